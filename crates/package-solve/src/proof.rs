//! Condenses the derivation tree of pubgrub into the steps of a readable proof.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use pubgrub::{DerivationTree, External, Map, Term};

use super::set::Set;
use super::version_map::{Name, ROOT};

/// The proof that there is no solution.
pub(super) type Tree = DerivationTree<Name, Set, Infallible>;

/// Maximum number of facts that one step combines.
const AT_ONCE: usize = 3;

/// A dependency: these candidates of one name need one of these candidates of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fact {
    pub(super) parent: Name,
    pub(super) numbers: Set,
    pub(super) child: Name,
    pub(super) fitting: Set,
}

/// A derived incompatibility: the first candidates cannot be selected without one of the second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conclusion {
    pub(super) with: Vec<(Name, Set)>,
    pub(super) needs: Vec<(Name, Set)>,
}

/// A conclusion and its premises.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    pub(super) facts: Vec<Fact>,
    /// Indices of earlier steps.
    pub(super) from: Vec<usize>,
    pub(super) conclusion: Conclusion,
}

/// A proof that there is no solution; its last step concludes that.
#[derive(Clone, Debug, Default)]
pub(super) struct Proof {
    pub(super) facts: Vec<Fact>,
    pub(super) steps: Vec<Step>,
}

enum Node {
    Fact(Fact),
    /// The root request or a missing version, which adds no information.
    Nothing,
    Derived(Conclusion, [usize; 2]),
}

impl Proof {
    pub(super) fn of(tree: &Tree) -> Self {
        let nodes = nodes(tree);
        let mut uses = vec![0_usize; nodes.len()];
        for node in &nodes {
            if let Node::Derived(_, causes) = node {
                for cause in causes {
                    uses[*cause] += 1;
                }
            }
        }
        let mut proof = Self::default();
        // The premises of each node. A node with a step of its own is referred to by that step.
        let mut premises: Vec<Step> = Vec::with_capacity(nodes.len());
        let mut own: HashMap<usize, usize> = HashMap::new();
        let mut known = HashSet::new();
        for node in nodes {
            let mut step = Step::default();
            match node {
                Node::Nothing => {}
                Node::Fact(fact) => {
                    if known.insert(fact.clone()) {
                        proof.facts.push(fact.clone());
                    }
                    step.facts.push(fact);
                }
                Node::Derived(conclusion, [left, right]) => {
                    step.conclusion = conclusion;
                    for (cause, other) in [(left, right), (right, left)] {
                        // The other premise takes at least one line.
                        let is_long =
                            premises[cause].size() + premises[other].size().min(2) > AT_ONCE;
                        if premises[cause].is_deduced() && (uses[cause] > 1 || is_long) {
                            let number = *own.entry(cause).or_insert_with(|| {
                                proof.steps.push(premises[cause].clone());
                                proof.steps.len() - 1
                            });
                            step.from.push(number);
                        } else {
                            step.facts.extend(premises[cause].facts.iter().cloned());
                            step.from.extend(premises[cause].from.iter().copied());
                        }
                    }
                    step.from.sort_unstable();
                    step.from.dedup();
                }
            }
            premises.push(step);
        }
        proof.steps.extend(premises.pop());
        proof
    }
}

impl Step {
    /// Number of lines that it takes.
    fn size(&self) -> usize {
        self.facts.len() + self.from.len()
    }

    /// Whether it is more than a single fact.
    fn is_deduced(&self) -> bool {
        self.size() > 1
    }
}

/// Flattens a tree into its unique nodes, causes before conclusions. The last node is the root.
fn nodes(tree: &Tree) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut known: HashMap<*const Tree, usize> = HashMap::new();
    let mut open: Vec<&Tree> = vec![tree];
    while let Some(top) = open.last().copied() {
        let at = std::ptr::from_ref(top);
        if known.contains_key(&at) {
            open.pop();
            continue;
        }
        let node = match top {
            DerivationTree::External(external) => external_node(external),
            DerivationTree::Derived(derived) => {
                let [first, second] = [&derived.cause1, &derived.cause2]
                    .map(|cause| known.get(&Arc::as_ptr(cause)).copied());
                let (Some(first), Some(second)) = (first, second) else {
                    open.extend([derived.cause2.as_ref(), derived.cause1.as_ref()]);
                    continue;
                };
                match (&nodes[first], &nodes[second]) {
                    // The root request alone adds nothing.
                    (Node::Nothing, _) => {
                        known.insert(at, second);
                        open.pop();
                        continue;
                    }
                    (_, Node::Nothing) => {
                        known.insert(at, first);
                        open.pop();
                        continue;
                    }
                    _ => Node::Derived(conclusion(&derived.terms), [first, second]),
                }
            }
        };
        known.insert(at, nodes.len());
        nodes.push(node);
        open.pop();
    }
    nodes
}

fn external_node(external: &External<Name, Set, Infallible>) -> Node {
    match external {
        External::FromDependencyOf(parent, numbers, child, fitting) => Node::Fact(Fact {
            parent: *parent,
            numbers: numbers.clone(),
            child: *child,
            fitting: fitting.clone(),
        }),
        External::NotRoot(..) | External::NoVersions(..) => Node::Nothing,
        External::Custom(_, _, never) => match *never {},
    }
}

fn conclusion(terms: &Map<Name, Term<Set>>) -> Conclusion {
    let mut conclusion = Conclusion::default();
    for (name, term) in terms {
        match term {
            Term::Positive(_) if *name == ROOT => {}
            Term::Positive(set) => conclusion.with.push((*name, set.clone())),
            Term::Negative(set) => conclusion.needs.push((*name, set.clone())),
        }
    }
    conclusion.with.sort_by_key(|(name, _)| *name);
    conclusion.needs.sort_by_key(|(name, _)| *name);
    conclusion
}
