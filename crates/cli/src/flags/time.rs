//! Durations in the syntax of kubectl: `30`, `1m30s`, `500ms`, `1.5h`.

use std::time::Duration;

/// Units of Go's `time.ParseDuration`, in seconds; a longer unit precedes its prefix.
const UNITS: [(&str, f64); 7] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3_600.0),
];

/// Parses a duration; a number without a unit is in seconds, and zero means no limit.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => return Ok(Duration::from_secs(seconds)),
        Err(_) => parts(text),
    };
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| {
            "expected a duration such as `30s`, `1m30s` or `500ms`, or `0` for no timeout"
                .to_owned()
        })
}

fn parts(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))?;
        let (number, after) = rest.split_at(end);
        let (unit, seconds) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        sum += number.parse::<f64>().ok()? * seconds;
        rest = &after[unit.len()..];
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::time;

    #[test]
    fn parses_durations_like_kubectl() {
        for (text, milliseconds) in [
            ("5", 5_000),
            ("0", 0),
            ("0s", 0),
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5h", 5_400_000),
        ] {
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(time(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "x",
            "5x",
            "-1",
            "-1s",
            "s",
            "1m30",
            "99999999999999999999h",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
