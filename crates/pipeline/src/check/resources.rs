//! Checks the compute resources of steps as the API server checks those of a Pod: it would refuse the Pods of a
//! run, long after the workflow was accepted.

use std::collections::BTreeMap;

use extension_registry_api::convert::{is_name_part, is_subdomain};
use extension_registry_api::workflow::WorkflowSpec;

use crate::problem::Problem;
use crate::spec::step_field;

/// Quantities as written, by the name of the resource.
type Quantities<'s> = BTreeMap<&'s str, &'s str>;

pub(super) fn check(spec: &WorkflowSpec, problems: &mut Vec<Problem>) {
    for (index, step) in spec.steps.iter().enumerate() {
        let Some(resources) = &step.resources else {
            continue;
        };
        let limits = resources.limits.iter().flatten();
        let limits: Quantities<'_> = limits.map(|(name, limit)| (&**name, &*limit.0)).collect();
        let requests = resources.requests.iter().flatten();
        let requests: Quantities<'_> = requests
            .map(|(name, request)| (&**name, &*request.0))
            .collect();
        // Those of a Pod, which a step cannot set.
        if resources
            .claims
            .as_ref()
            .is_some_and(|claims| !claims.is_empty())
        {
            let field = format!("{}.resources.claims", step_field(index));
            let message = "a step cannot use the resource claims of a Pod";
            problems.push(Problem::invalid(
                field,
                Some(&step.name),
                message,
                "remove `claims`, or request a device as a resource under `limits`",
            ));
        }
        let mut report = |list: &str, name: &str, message: String, hint: &str| {
            let field = format!("{}.resources.{list}.{name}", step_field(index));
            problems.push(Problem::invalid(field, Some(&step.name), message, hint));
        };
        valid(&limits, &mut |name, message, hint| {
            report("limits", name, message, hint);
        });
        valid(&requests, &mut |name, message, hint| {
            report("requests", name, message, hint);
        });
        compatible(&requests, &limits, &mut |name, message, hint| {
            report("requests", name, message, hint);
        });
    }
}

/// Checks the names and the quantities of a list.
fn valid(quantities: &Quantities<'_>, report: &mut dyn FnMut(&str, String, &str)) {
    for (name, quantity) in quantities {
        if !is_resource(name) {
            let hint = "use `cpu`, `memory`, `ephemeral-storage`, `hugepages-SIZE` or a name with a domain, such as `example.org/gpu`";
            report(name, "unknown resource".to_owned(), hint);
        }
        match billionths(quantity) {
            None => {
                let hint = "use a number with an optional unit, e.g. `500m`, `2`, `1Gi`";
                report(name, "invalid quantity".to_owned(), hint);
            }
            Some(amount) if is_countable(name) && amount % BILLION != 0 => {
                report(name, "not an integer".to_owned(), "use an integer");
            }
            Some(_) => {}
        }
    }
}

/// Checks requests against the limits of the same resources.
fn compatible(
    requests: &Quantities<'_>,
    limits: &Quantities<'_>,
    report: &mut dyn FnMut(&str, String, &str),
) {
    for (name, request) in requests {
        let Some(limit) = limits.get(name) else {
            if is_countable(name) {
                let hint = "set the same quantity under `limits`";
                report(name, format!("`{name}` requires a limit"), hint);
            }
            continue;
        };
        let (Some(request), Some(limit)) = (billionths(request), billionths(limit)) else {
            continue;
        };
        if request > limit {
            let message = format!("request exceeds the limit of `{name}`");
            report(name, message, "lower the request, or raise the limit");
        } else if request < limit && is_countable(name) {
            let message = format!("request differs from the limit of `{name}`");
            report(
                name,
                message,
                "use the same quantity, or remove the request",
            );
        }
    }
}

/// Returns whether a Pod may request the resource.
fn is_resource(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage")
        || name.starts_with("hugepages-")
        || is_extended(name)
}

/// Returns whether the resource is one of a domain.
fn is_extended(name: &str) -> bool {
    name.split_once('/')
        .is_some_and(|(domain, name)| is_subdomain(domain) && is_name_part(name))
}

/// Returns whether the resource consists of indivisible units that cannot be overcommitted.
fn is_countable(name: &str) -> bool {
    is_extended(name) || name.starts_with("hugepages-")
}

const BILLION: u128 = 1_000_000_000;

/// Parses a quantity that is not negative, rounded up to billionths like the API server does. Larger quantities than the
/// API server can represent are invalid.
fn billionths(text: &str) -> Option<u128> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let (numerator, denominator) = scale(unit)?;
    // Digits beyond these cannot change the result by more than rounding.
    let (fraction, rest) = fraction.split_at(fraction.len().min(12));
    let digits = format!("{whole}{fraction}");
    let digits: u128 = digits.parse().ok()?;
    let digits = digits + u128::from(rest.bytes().any(|digit| digit != b'0'));
    let places = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let amount = digits.checked_mul(numerator)?;
    Some(amount.div_ceil(places.checked_mul(denominator)?))
}

/// Returns the factor of a unit to billionths.
fn scale(unit: &str) -> Option<(u128, u128)> {
    let power = |base: u128, exponent: u32| Some((base.checked_pow(exponent)? * BILLION, 1));
    match unit {
        "" => power(1, 0),
        "n" => Some((1, 1)),
        "u" => Some((1_000, 1)),
        "m" => Some((1_000_000, 1)),
        "k" => power(10, 3),
        "M" => power(10, 6),
        "G" => power(10, 9),
        "T" => power(10, 12),
        "P" => power(10, 15),
        "E" => power(10, 18),
        "Ki" => power(1024, 1),
        "Mi" => power(1024, 2),
        "Gi" => power(1024, 3),
        "Ti" => power(1024, 4),
        "Pi" => power(1024, 5),
        "Ei" => power(1024, 6),
        _ => {
            let exponent = unit.strip_prefix(['e', 'E'])?;
            let exponent: i32 = exponent
                .strip_prefix('+')
                .unwrap_or(exponent)
                .parse()
                .ok()?;
            let size = 10_u128.checked_pow(exponent.unsigned_abs())?;
            if exponent < 0 {
                Some((BILLION, size))
            } else {
                Some((size.checked_mul(BILLION)?, 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BILLION, billionths, is_resource};

    #[test]
    fn quantities_have_the_value_of_kubernetes() {
        for (text, expected) in [
            ("1", BILLION),
            ("0", 0),
            ("+2", 2 * BILLION),
            ("500m", BILLION / 2),
            (".5", BILLION / 2),
            ("1.", BILLION),
            ("1e3", 1_000 * BILLION),
            ("1E", 1_000_000_000_000_000_000 * BILLION),
            ("5e-1", BILLION / 2),
            ("1Ki", 1_024 * BILLION),
            ("1.5Gi", 1_610_612_736 * BILLION),
            ("1n", 1),
            ("0.1n", 1),
            ("0.0000000000001", 1),
        ] {
            assert_eq!(billionths(text), Some(expected), "{text}");
        }
        for text in [
            "", ".", "1.2.3", "-1", "abc", "1 Gi", "1gi", "1K", "1e", "1eE", "1ki", "Gi", "1e99",
        ] {
            assert_eq!(billionths(text), None, "{text}");
        }
    }

    #[test]
    fn resources_are_known_or_of_a_domain() {
        for name in ["cpu", "hugepages-2Mi", "nvidia.com/gpu"] {
            assert!(is_resource(name), "{name}");
        }
        for name in ["gpu", "CPU", "/gpu", "nvidia.com/", "a b/c", ""] {
            assert!(!is_resource(name), "{name}");
        }
    }
}
