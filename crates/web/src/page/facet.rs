//! Values by which a list can be narrowed, with their counts.

use std::collections::BTreeMap;

/// Maximum number of values of a facet; the search finds the others.
const VALUES: usize = 12;

/// Values of a field among the rows of a list.
pub(crate) struct Facet {
    pub(crate) title: &'static str,
    pub(crate) values: Vec<Value>,
    /// Number of values that are not shown.
    pub(crate) omitted: usize,
    /// Address without this selection.
    pub(crate) clear: Option<String>,
}

/// A value of a field.
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) count: usize,
    pub(crate) path: String,
}

/// A field of the rows of a list: its title, its name in the query, and its value in a row.
pub(super) type Field<R> = (&'static str, &'static str, fn(&R) -> Option<&str>);

/// Counts the values of fields, the most frequent first. `selected` returns the selected value of a field, and `with`
/// the address with another value of a field. A field without values is left out.
pub(super) fn facets<'q, R>(
    rows: &[R],
    fields: &[Field<R>],
    selected: impl Fn(&str) -> &'q str,
    with: impl Fn(&str, &str) -> String,
) -> Vec<Facet> {
    let facets = fields.iter().map(|(title, field, value)| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in rows.iter().filter_map(value) {
            *counts.entry(text).or_default() += 1;
        }
        let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let omitted = counts.len().saturating_sub(VALUES);
        let values = counts.into_iter().take(VALUES).map(|(text, count)| Value {
            text: text.to_owned(),
            count,
            path: with(field, text),
        });
        Facet {
            title,
            values: values.collect(),
            omitted,
            clear: (!selected(field).is_empty()).then(|| with(field, "")),
        }
    });
    facets
        .filter(|facet| !facet.values.is_empty() || facet.clear.is_some())
        .collect()
}
