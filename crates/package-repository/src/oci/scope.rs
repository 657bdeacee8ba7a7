//! Scopes of requests, as token services expect them (distribution, "Token Scope Documentation").

/// The scope of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope(Option<String>);

impl Scope {
    /// Returns the empty scope; the server's challenge decides.
    pub(super) fn registry() -> Self {
        Self(None)
    }

    /// Returns the scope to list repositories.
    pub(super) fn catalog() -> Self {
        Self(Some("registry:catalog:*".to_owned()))
    }

    /// Returns the scope to read from a repository.
    pub(super) fn pull(path: &str) -> Self {
        Self(Some(format!("repository:{path}:pull")))
    }

    /// Returns the scope to write to a repository.
    pub(super) fn push(path: &str) -> Self {
        Self(Some(format!("repository:{path}:pull,push")))
    }

    /// Returns the scope to write to a repository and mount from another one.
    pub(super) fn mount(path: &str, from: &str) -> Self {
        Self(Some(format!(
            "repository:{path}:pull,push repository:{from}:pull"
        )))
    }

    /// Returns the scope to delete from a repository.
    pub(super) fn delete(path: &str) -> Self {
        Self(Some(format!("repository:{path}:pull,delete")))
    }

    /// Returns the text; None for the empty scope.
    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Returns the scopes to request: its own, and that of the challenge if it adds permissions.
    pub(super) fn with<'a>(&'a self, challenged: Option<&'a str>) -> Vec<&'a str> {
        let own = self.text().unwrap_or_default();
        let mut all: Vec<&str> = own.split_whitespace().collect();
        let requested = challenged.into_iter().flat_map(str::split_whitespace);
        for scope in requested {
            if !all.iter().any(|own| covers(own, scope)) {
                all.push(scope);
            }
        }
        all
    }
}

/// Returns whether the first scope includes the second.
fn covers(own: &str, other: &str) -> bool {
    let (Some((place, actions)), Some((other_place, other_actions))) =
        (own.rsplit_once(':'), other.rsplit_once(':'))
    else {
        return own == other;
    };
    let actions: Vec<&str> = actions.split(',').collect();
    place == other_place
        && other_actions
            .split(',')
            .all(|action| actions.contains(&action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_challenged_scope_if_it_is_wider() {
        let scope = Scope::push("a/b");
        assert_eq!(
            scope.with(Some("repository:a/b:pull")),
            ["repository:a/b:pull,push"]
        );
        assert_eq!(
            scope.with(Some("repository:a/b:delete")),
            ["repository:a/b:pull,push", "repository:a/b:delete"]
        );
        assert_eq!(Scope::registry().with(None), Vec::<&str>::new());
        assert_eq!(
            Scope::mount("a/b", "a/c").with(Some("repository:a/c:pull")),
            ["repository:a/b:pull,push", "repository:a/c:pull"]
        );
    }
}
