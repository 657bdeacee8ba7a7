//! The import graph between the files of a crate, read from its tokens.
//!
//! A path counts for the file that defines its last segment, so a re-export is followed to its source, and a parent
//! module that only declares and re-exports its children imports none of them. Items under `#[cfg(test)]` are ignored.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A file of a crate, as a module.
#[derive(Default)]
struct Module {
    /// Path below the crate: `resolve::candidates`; empty for the root.
    path: Vec<String>,
    parent: Option<usize>,
    children: HashMap<String, usize>,
    /// Imported names with the paths that they stand for, and whether they are re-exported.
    imports: HashMap<String, (Vec<String>, bool)>,
    /// Modules that are imported or re-exported as a whole.
    globs: Vec<Vec<String>>,
    /// Names that items of this file define.
    defined: BTreeSet<String>,
    /// Paths of at least two segments outside `use`.
    paths: BTreeSet<Vec<String>>,
    /// All words outside `use`.
    words: BTreeSet<String>,
}

/// Returns the groups of files of a crate that import each other, each as names of modules.
pub(crate) fn circles(root: &Path) -> Vec<Vec<String>> {
    let mut modules = Vec::new();
    load(root, &[], None, &mut modules);
    let edges: Vec<BTreeSet<usize>> = (0..modules.len())
        .map(|from| edges(&modules, from))
        .collect();
    components(&edges)
        .into_iter()
        .map(|group| {
            let mut names: Vec<String> = group.iter().map(|at| modules[*at].name()).collect();
            names.sort();
            names
        })
        .collect()
}

impl Module {
    fn name(&self) -> String {
        if self.path.is_empty() {
            "crate".to_owned()
        } else {
            self.path.join("::")
        }
    }

    /// Reads the items of one level, and the bodies below it.
    fn read(&mut self, tokens: &TokenStream, declared: &mut Vec<String>) {
        let tokens = without_tests(tokens);
        let mut at = 0;
        let mut public = false;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(word) => match word.to_string().as_str() {
                    "use" => {
                        let end = end_of_statement(&tokens, at);
                        self.import(&tokens[at + 1..end], &[], public);
                        public = false;
                        at = end;
                    }
                    "mod" if is_semicolon(tokens.get(at + 2)) => {
                        declared.extend(tokens.get(at + 1).map(ToString::to_string));
                        public = false;
                        at += 2;
                    }
                    "pub" => public = true,
                    "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" => {
                        self.defined
                            .extend(tokens.get(at + 1).map(ToString::to_string));
                        public = false;
                    }
                    _ => at = self.path_at(&tokens, at),
                },
                TokenTree::Group(group) => {
                    self.read(&group.stream(), declared);
                    public &= group.delimiter() == Delimiter::Parenthesis;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Notes the path that starts here, and returns the index of its last token.
    fn path_at(&mut self, tokens: &[TokenTree], start: usize) -> usize {
        let mut path = vec![tokens[start].to_string()];
        let mut at = start;
        while is_colons(tokens, at + 1)
            && let Some(TokenTree::Ident(next)) = tokens.get(at + 3)
        {
            path.push(next.to_string());
            at += 3;
        }
        self.words.extend(path.iter().cloned());
        if path.len() > 1 {
            self.paths.insert(path);
        }
        at
    }

    /// Reads a tree of imports below a prefix.
    fn import(&mut self, tokens: &[TokenTree], prefix: &[String], public: bool) {
        let mut path = prefix.to_vec();
        let mut alias = None;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(word) if word == "as" => {
                    alias = tokens.get(at + 1).map(ToString::to_string);
                    break;
                }
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Punct(sign) if sign.as_char() == '*' => {
                    self.globs.push(path);
                    return;
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for tree in inner.split(|one| is_sign(Some(one), ',')) {
                        self.import(tree, &path, public);
                    }
                    return;
                }
                _ => {}
            }
            at += 1;
        }
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(last) = path.last() {
            let name = alias.unwrap_or_else(|| last.clone());
            self.imports.insert(name, (path, public));
        }
    }
}

/// Reads a file and the files of the modules that it declares, and returns its index.
fn load(file: &Path, path: &[String], parent: Option<usize>, modules: &mut Vec<Module>) -> usize {
    let text = fs::read_to_string(file).unwrap();
    let mut declared = Vec::new();
    let mut module = Module {
        path: path.to_vec(),
        parent,
        ..Module::default()
    };
    module.read(&TokenStream::from_str(&text).unwrap(), &mut declared);
    let own = modules.len();
    modules.push(module);
    let folder = if path.is_empty() {
        file.parent().unwrap().to_path_buf()
    } else {
        file.with_extension("")
    };
    for name in declared {
        let child: PathBuf = folder.join(format!("{name}.rs"));
        if child.is_file() {
            let path = [path, std::slice::from_ref(&name)].concat();
            let child = load(&child, &path, Some(own), modules);
            modules[own].children.insert(name, child);
        }
    }
    own
}

/// Returns the files that a file imports.
fn edges(modules: &[Module], from: usize) -> BTreeSet<usize> {
    let module = &modules[from];
    let mut targets = BTreeSet::new();
    let is_own = |path: &[String]| {
        matches!(path[0].as_str(), "crate" | "self" | "super")
            || module.children.contains_key(&path[0])
    };
    for (name, (path, public)) in &module.imports {
        if !is_own(path) || (*public && !module.words.contains(name)) {
            continue;
        }
        let Some(target) = resolve(modules, from, path, 0) else {
            continue;
        };
        // What is used of a module that is imported by its name is defined elsewhere, if the module re-exports it.
        let used: Vec<&Vec<String>> = module
            .paths
            .iter()
            .filter(|used| used[0] == *name)
            .collect();
        let is_module = modules[target].path.last() == path.last();
        if is_module && !used.is_empty() {
            let of = |used: &Vec<String>| resolve(modules, target, &used[1..], 0);
            targets.extend(used.into_iter().map(|used| of(used).unwrap_or(target)));
        } else {
            targets.insert(target);
        }
    }
    let globs = module.globs.iter().filter(|path| is_own(path));
    targets.extend(globs.filter_map(|path| resolve(modules, from, path, 0)));
    let paths = module.paths.iter().filter(|path| is_own(path));
    targets.extend(paths.filter_map(|path| resolve(modules, from, path, 0)));
    targets.remove(&from);
    targets
}

/// Returns the file that defines the last segment of a path, as far as it can be told from names.
fn resolve(modules: &[Module], from: usize, path: &[String], depth: usize) -> Option<usize> {
    let mut current = from;
    for (index, segment) in path.iter().enumerate() {
        let module = &modules[current];
        if segment == "crate" {
            current = 0;
        } else if segment == "super" {
            current = module.parent?;
        } else if segment == "self" {
            // The module itself.
        } else if let Some(child) = module.children.get(segment) {
            current = *child;
        } else if module.defined.contains(segment) {
            return Some(current);
        } else if depth < 16 {
            let rest = &path[index + 1..];
            let follow = |target: &[String]| {
                let path: Vec<String> = target.iter().chain(rest).cloned().collect();
                resolve(modules, current, &path, depth + 1)
            };
            if let Some((target, _)) = module.imports.get(segment) {
                // `use kube;` names a crate.
                return (target.as_slice() != path)
                    .then(|| follow(target))
                    .flatten();
            }
            let of_glob = |glob: &Vec<String>| {
                let target: Vec<String> = glob.iter().chain([segment]).cloned().collect();
                follow(&target)
            };
            let found = module.globs.iter().find_map(of_glob);
            return found.or((index > 0).then_some(current));
        } else {
            return None;
        }
    }
    Some(current)
}

/// Returns the groups of at least two nodes that reach each other.
fn components(edges: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    // The graphs are small, so the closure is computed directly.
    let reach: Vec<BTreeSet<usize>> = (0..edges.len())
        .map(|start| {
            let mut seen = BTreeSet::new();
            let mut open: Vec<usize> = edges[start].iter().copied().collect();
            while let Some(next) = open.pop() {
                if seen.insert(next) {
                    open.extend(&edges[next]);
                }
            }
            seen
        })
        .collect();
    let mut groups = BTreeMap::new();
    for (node, reached) in reach.iter().enumerate() {
        let group: Vec<usize> = reached
            .iter()
            .copied()
            .filter(|other| reach[*other].contains(&node))
            .collect();
        if let Some(first) = group.first().copied() {
            groups.insert(first, group);
        }
    }
    groups.into_values().collect()
}

/// Returns the tokens of one level without the items under `#[cfg(test)]`.
fn without_tests(tokens: &TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut tokens = tokens.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_attribute = is_sign(Some(&token), '#');
        let is_test = is_attribute
            && matches!(tokens.peek(), Some(TokenTree::Group(group)) if {
                let text = group.stream().to_string();
                text.starts_with("cfg") && text.contains("test") && !text.contains("not")
            });
        if !is_test {
            kept.push(token);
            continue;
        }
        for skipped in tokens.by_ref() {
            let is_body = matches!(&skipped, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
            if is_body || is_semicolon(Some(&skipped)) {
                break;
            }
        }
    }
    kept
}

/// Returns the literals of a file, without documentation and items under `#[cfg(test)]`.
pub(crate) fn literals(text: &str) -> Vec<String> {
    fn read(tokens: &TokenStream, found: &mut Vec<String>) {
        for token in without_tests(tokens) {
            match token {
                TokenTree::Literal(literal) => found.push(literal.to_string()),
                TokenTree::Group(group) => {
                    let inner = group.stream();
                    let first = inner.clone().into_iter().next();
                    if first.is_none_or(|first| first.to_string() != "doc") {
                        read(&inner, found);
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
    let mut found = Vec::new();
    read(&TokenStream::from_str(text).unwrap(), &mut found);
    found
}

fn end_of_statement(tokens: &[TokenTree], start: usize) -> usize {
    let length = tokens[start..]
        .iter()
        .position(|token| is_semicolon(Some(token)));
    length.map_or(tokens.len(), |length| start + length)
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    is_sign(tokens.get(at), ':') && is_sign(tokens.get(at + 1), ':')
}

fn is_semicolon(token: Option<&TokenTree>) -> bool {
    is_sign(token, ';')
}

fn is_sign(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}
