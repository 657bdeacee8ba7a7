//! Pieces of random texts.

/// Keys that remain different if their types are converted.
pub(crate) const KEYS: &[&str] = &[
    "a",
    "b",
    "c",
    "\"a\"",
    "'b'",
    "d e",
    "\"<<\"",
    "yes",
    "true",
    "0x1",
    "1.50",
    "!!str c",
    "!!int '1'",
    "&c a",
    "&d b",
    "é",
    "a.b/c",
    "~a",
    "2001-01-01",
    "-f",
    "?g",
];

/// Keys that are not allowed everywhere.
pub(crate) const WILD_KEYS: &[&str] = &[
    "", "? a", "*a ", "*b ", "[a]", "<<", "~", "- a", "a b\n", "|", "&a", "%a",
];

/// Values of merge keys.
pub(crate) const MERGED: &[&str] = &[
    "{a: 1}",
    "{a: 1, c: 2}",
    "*b",
    "*b",
    "[*b, {a: 3}]",
    "[{b: 1, 0x1: 2}, *b]",
    "{<<: *b, c: 3}",
    "{c: 3, <<: *b}",
    "[]",
    "{<<: [{a: 1}, *b], a: 4}",
    "&e {yes: 1}",
    "!!map {a: 5}",
];

/// Characters with a meaning.
pub(crate) const SPECIAL: &[&str] = &[
    ":", "-", "?", "[", "]", "{", "}", ",", "#", "&", "*", "!", "|", ">", "'", "\"", "%", "@", "`",
    " ", "\t", "\n", "\r", "\\", "~", "=", "<", "<<", "...", "---", "- ", ": ", "? ", " #", "\n ",
    "\n  ", "\n\n", "\u{85}", "\u{2028}", "\u{feff}", "0", "1", "e", ".", "_", "x", "é",
];

/// Before a node.
pub(crate) const PROPERTIES: &[&str] = &[
    "!!str ",
    "!foo ",
    "&c ",
    "&d ",
    "&c !!str ",
    "!!map ",
    "!!seq ",
    "! ",
];

/// Before some nodes.
pub(crate) const WILD_PROPERTIES: &[&str] = &[
    "!!str ",
    "!!int ",
    "!!float ",
    "!!bool ",
    "!!null ",
    "!!binary ",
    "!foo ",
    "! ",
    "&a ",
    "&b ",
    "&a !!str ",
    "!!int &b ",
    "!!map ",
    "!!seq ",
];

/// Between documents.
pub(crate) const SEPARATORS: &[&str] = &[
    "---\n",
    "--- \n",
    "--- # c\n",
    "---\n---\n",
    "...\n---\n",
    "\n---\n\n",
    "# c\n---\n",
    "---#\n",
    "---\t\n",
    "---\r\n",
];

/// Lines that separate no documents, or wrong ones.
pub(crate) const WILD_SEPARATORS: &[&str] = &[
    "...\n",
    "--- a\n",
    " ---\n",
    "---a\n",
    "%YAML 1.1\n---\n",
    "---\n%YAML 1.1\n",
    "----\n",
    "",
];
