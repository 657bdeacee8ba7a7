//! Tables of consumers.

use std::io;

use extension_registry_query::consumer::ConsumerName;

use crate::output;

/// Row of a consumer: its namespace, its name and the other cells.
pub(crate) type Row<'r> = (&'r str, &'r ConsumerName, Vec<String>);

/// Writes a table of the steps of workflows, then one of the bindings, as `kubectl get` does for several kinds. `header`
/// names the cells after those of the consumer. Without rows, the header of the first table is written.
pub(crate) fn tables<'r>(
    out: &mut Vec<u8>,
    header: &[&str],
    rows: impl Iterator<Item = Row<'r>>,
) -> io::Result<()> {
    let (mut steps, mut bindings) = (Vec::new(), Vec::new());
    for (namespace, consumer, cells) in rows {
        let (names, table) = match consumer {
            ConsumerName::Step {
                workflow,
                step,
                requirement,
            } => (vec![workflow, step, requirement], &mut steps),
            ConsumerName::Binding { binding } => (vec![binding], &mut bindings),
        };
        let names = names.into_iter().cloned();
        let namespace = [namespace.to_owned()].into_iter();
        table.push(namespace.chain(names).chain(cells).collect());
    }
    let has_both = !steps.is_empty() && !bindings.is_empty();
    if !steps.is_empty() || bindings.is_empty() {
        let names = ["NAMESPACE", "WORKFLOW", "STEP", "REQUIREMENT"];
        output::table(out, &[&names, header].concat(), steps)?;
    }
    if has_both {
        output::write_line!(out)?;
    }
    if !bindings.is_empty() {
        output::table(out, &[&["NAMESPACE", "BINDING"], header].concat(), bindings)?;
    }
    Ok(())
}
