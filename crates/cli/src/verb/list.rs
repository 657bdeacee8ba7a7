//! The command `list`.

use anyhow::Result;
use clap::Args;
use extension_registry_query::Scope;
use extension_registry_query::list::{Filter, Row, list};

use crate::exit::ExitStatus;
use crate::flags::{Format, Source};
use crate::report::human::print_findings;
use crate::{open, output};

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    source: Source,
    /// Only services of this product
    #[arg(long, value_name = "PRODUCT")]
    product: Option<String>,
    /// Only services with this resource
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// Only services of this category
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// Only records in this zone
    #[arg(long, value_name = "ZONE")]
    in_zone: Option<String>,
    /// Only services visible to this project
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn run(verb: &List, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let inventory = open::inventory(&verb.source, "list", Scope::RECORDS)?;
    let is_wrong = print_findings(&inventory.findings)?;
    let filter = Filter {
        product: verb.product.clone(),
        resource: verb.resource.clone(),
        category: verb.category.clone(),
        zone: verb.in_zone.clone(),
        project: verb.project.clone(),
        text: None,
    };
    let answer = list(&inventory, &filter);
    match verb.output {
        Format::Json => output::json(out, &answer)?,
        Format::Yaml => output::yaml(out, &answer)?,
        Format::Name => {
            for row in &answer.services {
                output::write_line!(out, "{}/{}", row.record, row.service)?;
            }
        }
        Format::Table => output::table(out, &HEADER, answer.services.into_iter().map(narrow))?,
        Format::Wide => {
            let header: Vec<&str> = HEADER.into_iter().chain(WIDE).collect();
            output::table(out, &header, answer.services.into_iter().map(wide))?;
        }
    }
    Ok(ExitStatus::failure_if(is_wrong))
}

const HEADER: [&str; 8] = [
    "NAMESPACE",
    "RECORD",
    "SERVICE",
    "PRODUCT",
    "VERSION",
    "RESOURCE",
    "CATEGORY",
    "ZONE",
];
const WIDE: [&str; 3] = ["ENDPOINTS", "CREDENTIALS", "DEFAULT"];

fn narrow(row: Row) -> Vec<String> {
    let optional = Option::unwrap_or_default;
    vec![
        optional(row.namespace),
        row.record,
        row.service,
        optional(row.product),
        optional(row.version),
        optional(row.resource),
        optional(row.category),
        optional(row.zone),
    ]
}

fn wide(row: Row) -> Vec<String> {
    let more = [
        row.endpoints.join(", "),
        row.credentials.join(", "),
        if row.default { "true" } else { "" }.to_owned(),
    ];
    narrow(row).into_iter().chain(more).collect()
}
