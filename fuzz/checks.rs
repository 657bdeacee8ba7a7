//! What has to hold for any text. The fuzz targets and the tests of the core crate share it.

use std::ops::RangeBounds;

use extension_registry_core::expression::{Segment, Template};
use extension_registry_core::version::{RecordVersion, Version, VersionRange};

/// The first line is a range, the second what a record states.
pub(crate) fn range(text: &str) {
    let (range, stated) = text.split_once('\n').unwrap_or((text, text));
    let record = RecordVersion::new(stated);
    if let Some(version) = record.parsed() {
        assert_eq!(Version::parse(&version.to_string()).as_ref(), Some(version));
    }
    match range.parse::<VersionRange>() {
        Ok(parsed) => {
            assert_eq!(parsed.to_string(), range);
            let matches = parsed.matches(Some(&record));
            if parsed.is_any() {
                assert!(matches && parsed.matches(None));
            }
            if let Some(hull) = parsed.hull() {
                assert!(!parsed.matches(None));
                assert!(
                    !matches
                        || record
                            .parsed()
                            .is_some_and(|version| hull.contains(version))
                );
            }
            assert!(parsed.hint().is_none_or(|hint| hint.len() < 1000));
            let twice: VersionRange = format!("{range}||{range}").parse().expect("is a range");
            assert_eq!(twice.matches(Some(&record)), matches);
        }
        Err(error) => {
            assert!((1..=range.chars().count().max(1)).contains(&error.column));
            assert!(error.to_string().len() < 1000);
        }
    }
}

/// The text of a field that may hold expressions.
pub(crate) fn expression(text: &str) {
    match Template::parse(text) {
        Ok(template) => {
            assert_eq!(template.sources().concat(), text);
            assert_eq!(template.sources().len(), template.segments.len());
            if !template.has_expressions() {
                assert_eq!(template.segments, [Segment::Text(text)]);
            }
            for source in template.sources() {
                assert_eq!(
                    Template::parse(source).map(|alone| alone.segments.len()),
                    Ok(1)
                );
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert!((1..=text.chars().count()).contains(&error.column));
                assert!(error.to_string().len() < 1000);
            }
        }
    }
}
