//! The fenced blocks of a page. The cluster tests use this file too, so it depends on nothing else.

use std::ops::Range;

/// A fenced block of code.
pub(crate) struct Block {
    /// Line of the opening fence, from 1.
    pub(crate) line: usize,
    info: String,
    pub(crate) body: String,
    /// Place of the text of the output block that follows, if one does.
    pub(crate) output: Option<Range<usize>>,
}

impl Block {
    pub(crate) fn is_runnable(&self) -> bool {
        self.info.starts_with("sh,run")
    }

    /// Whether the block runs on a cluster, in the tests of `e2e`.
    pub(crate) fn is_for_cluster(&self) -> bool {
        self.info.starts_with("sh,cluster")
    }

    pub(crate) fn is_shell(&self) -> bool {
        self.info == "sh" || self.is_runnable() || self.is_for_cluster()
    }

    /// The exit code that the block is documented to have.
    pub(crate) fn exit_code(&self) -> i32 {
        let code = self.info.rsplit_once("exit-").map_or("0", |(_, code)| code);
        code.parse().unwrap()
    }

    /// Returns the commands that begin with `program`, each as words without the redirections and pipes that follow.
    pub(crate) fn commands(&self, program: &str) -> Vec<Vec<String>> {
        let joined = self.body.replace("\\\n", " ");
        let mut commands = Vec::new();
        for line in joined.lines() {
            for (start, _) in line.match_indices(program) {
                let end = line[start..].find(['|', '>', '<', '#', ')', ';']);
                let command = &line[start..end.map_or(line.len(), |end| start + end)];
                commands.push(command.split_whitespace().map(str::to_owned).collect());
            }
        }
        commands
    }
}

/// Returns the fenced blocks of a page.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<(usize, usize, String, usize)> = None;
    let mut offset = 0;
    let mut is_adjacent = false;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let trimmed = line.trim();
        match &open {
            None => {
                if let Some(info) = trimmed.strip_prefix("```") {
                    let indent = line.len() - line.trim_start().len();
                    open = Some((number + 1, offset + line.len(), info.to_owned(), indent));
                } else if !trimmed.is_empty() {
                    is_adjacent = false;
                }
            }
            Some((first, start, info, indent)) if trimmed == "```" => {
                let range = *start..offset;
                if info == "text,output" {
                    let last = blocks
                        .last_mut()
                        .filter(|last| is_adjacent && last.is_runnable());
                    last.unwrap_or_else(|| panic!("output without a command: {trimmed}"))
                        .output = Some(range);
                } else {
                    let body = text[range].lines();
                    let body = body.map(|line| line.get(*indent..).unwrap_or_default());
                    blocks.push(Block {
                        line: *first,
                        info: info.clone(),
                        body: body.collect::<Vec<_>>().join("\n"),
                        output: None,
                    });
                    is_adjacent = true;
                }
                open = None;
            }
            Some(_) => {}
        }
        offset += line.len();
    }
    assert!(open.is_none(), "a block without an end");
    blocks
}
