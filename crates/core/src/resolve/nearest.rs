//! Step 8: nothing matched; what came nearest?

use std::collections::HashMap;
use std::fmt::Write;

use crate::access::Consumer;
use crate::record::display_order;
use crate::refusal::{Reason, Refusal};
use crate::requirement::{Field, Requirement};
use crate::resolve::candidates::asked;
use crate::resolve::index::Index;
use crate::resolve::shelf::Offer;
use crate::suggest;

/// Distance of a value that is not near: above every sum of near ones.
const FAR: usize = 1_000;

/// The refusal, with the visible service that failed on the fewest selectors. Among several, the
/// nearest in spelling without regard to case; then by name.
pub(super) fn not_found(index: &Index, requirement: &Requirement, consumer: &Consumer) -> Refusal {
    let message = format!(
        "no service matches requirement `{}` ({})",
        requirement.name,
        asked(requirement)
    );
    let mut distances = Distances::default();
    let mut best: Option<(usize, usize, &Offer)> = None;
    for offer in index
        .offers(&consumer.project)
        .filter(|offer| offer.record.access.admits(consumer))
    {
        let failed = failures(offer, requirement);
        if best.is_some_and(|(fewest, _, _)| failed > fewest) {
            continue;
        }
        let distance = distances.of(offer, requirement);
        let better = best.is_none_or(|(fewest, nearest, other)| {
            (failed, distance).cmp(&(fewest, nearest)).then_with(|| {
                display_order(
                    (&offer.record, offer.service()),
                    (&other.record, other.service()),
                )
            }) == std::cmp::Ordering::Less
        });
        if better {
            best = Some((failed, distance, offer));
        }
    }
    match best {
        // Every name differs and none is near: naming it would only mislead.
        Some((failed, distance, offer))
            if distance >= failed * FAR && shares_nothing(offer, requirement) =>
        {
            Refusal::new(
                Reason::NotFound,
                message,
                "list what is registered and visible to this project",
            )
        }
        Some((_, _, offer)) => nearest(message, requirement, offer),
        None => Refusal::new(
            Reason::NotFound,
            message,
            "no record is visible to this project; register one",
        ),
    }
}

/// Whether no field is as the requirement selects it. A version alone is no common ground.
fn shares_nothing(offer: &Offer, requirement: &Requirement) -> bool {
    Field::ALL
        .into_iter()
        .filter(|field| requirement.selector(*field).is_some())
        .all(|field| offer.fails(requirement, field))
}

fn failures(offer: &Offer, requirement: &Requirement) -> usize {
    Field::ALL
        .into_iter()
        .filter(|field| offer.fails(requirement, *field))
        .count()
        + usize::from(offer.fails_version(requirement))
}

fn nearest(mut message: String, requirement: &Requirement, offer: &Offer) -> Refusal {
    let _ = write!(
        message,
        "; nearest is `{}/{}`: ",
        offer.record.key.name,
        offer.service().name
    );
    let mut separator = "";
    let mut fixes = Vec::new();
    for field in Field::ALL
        .into_iter()
        .filter(|field| offer.fails(requirement, *field))
    {
        let wanted = requirement.selector(field).map_or("", |wanted| wanted);
        match offer.value(field) {
            Some(value) => {
                let _ = write!(message, "{separator}{field} is `{value}`, not `{wanted}`");
                if suggest::closest(wanted, [&**value]).is_some() {
                    fixes.push(format!("`{field}: {value}`"));
                }
            }
            None => {
                let _ = write!(message, "{separator}{field} is unset, not `{wanted}`");
            }
        }
        separator = "; ";
    }
    if offer.fails_version(requirement) {
        let range = requirement
            .version
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let _ = match &offer.record.version {
            Some(version) => write!(
                message,
                "{separator}version is `{}`, not `{range}`",
                version.text()
            ),
            None => write!(message, "{separator}version is unset, not `{range}`"),
        };
    }
    let hint = if fixes.is_empty() {
        "change the requirement, or register what it asks for".to_owned()
    } else {
        format!("did you mean {}?", fixes.join(" and "))
    };
    Refusal::new(Reason::NotFound, message, hint)
}

/// Distances between what is asked and the values there are, each pair measured once: many
/// records share few values.
#[derive(Default)]
struct Distances<'a> {
    known: HashMap<(Field, &'a str), usize>,
}

impl<'a> Distances<'a> {
    fn of(&mut self, offer: &'a Offer, requirement: &Requirement) -> usize {
        let exact: usize = Field::ALL
            .into_iter()
            .filter(|field| offer.fails(requirement, *field))
            .map(
                |field| match (offer.value(field), requirement.selector(field)) {
                    (Some(value), Some(wanted)) => *self
                        .known
                        .entry((field, value))
                        .or_insert_with(|| match suggest::closest(wanted, [&**value]) {
                            Some(_) => suggest::distance(wanted, value),
                            None => FAR,
                        }),
                    _ => FAR,
                },
            )
            .sum();
        let version = match &offer.record.version {
            _ if !offer.fails_version(requirement) => 0,
            // Of two services that miss once, the one of the right name is the nearer.
            Some(_) => FAR - 1,
            None => FAR,
        };
        exact + version
    }
}
