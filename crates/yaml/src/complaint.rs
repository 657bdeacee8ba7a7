//! What is wrong with a document.

use crate::Position;

/// One thing that is wrong. It holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What kind of thing: `unknown-field`.
    pub rule: &'static str,
    /// Whether nothing can be made of the document.
    pub is_error: bool,
    /// Where.
    pub at: Position,
    /// The field: `services[0].name`.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// The way out; may be empty.
    pub hint: String,
}

/// All that is wrong with a document.
#[derive(Debug, Default)]
pub struct Complaints {
    /// What the document is about, as far as that is known: `Workflow dev/train`.
    pub about: String,
    /// In the order in which they were found.
    pub list: Vec<Complaint>,
}

/// A complaint that still has to say what is wrong.
pub struct Said<'c> {
    complaints: &'c mut Complaints,
    complaint: Complaint,
}

impl Said<'_> {
    /// What is wrong, and the way out.
    pub fn says(mut self, message: impl Into<String>, hint: impl Into<String>) {
        self.complaint.message = message.into();
        self.complaint.hint = hint.into();
        self.complaints.list.push(self.complaint);
    }
}

impl Complaints {
    /// Something that has to be mended.
    #[must_use]
    pub fn error(&mut self, rule: &'static str, at: Position, field: &str) -> Said<'_> {
        let complaint = Complaint {
            rule,
            is_error: true,
            at,
            field: field.to_owned(),
            message: String::new(),
            hint: String::new(),
        };
        Said {
            complaints: self,
            complaint,
        }
    }

    /// Something that should be known.
    #[must_use]
    pub fn warning(&mut self, rule: &'static str, at: Position, field: &str) -> Said<'_> {
        let mut said = self.error(rule, at, field);
        said.complaint.is_error = false;
        said
    }

    /// Something of which nothing is made.
    pub fn no_place(&mut self, at: Position, field: &str, why: &str, hint: &str) {
        self.warning("no-place", at, field).says(why, hint);
    }

    /// Whether nothing can be made of the document.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|complaint| complaint.is_error)
    }
}
