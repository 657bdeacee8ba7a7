//! What a request needs to be allowed, as token services are asked for it
//! (distribution, "Token Scope Documentation").

/// What a request needs to be allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope(Option<String>);

impl Scope {
    /// Nothing that could be said before the server says it.
    pub(super) fn registry() -> Self {
        Self(None)
    }

    /// To see which repositories there are.
    pub(super) fn catalog() -> Self {
        Self(Some("registry:catalog:*".to_owned()))
    }

    /// To read from a repository.
    pub(super) fn pull(path: &str) -> Self {
        Self(Some(format!("repository:{path}:pull")))
    }

    /// To write into it.
    pub(super) fn push(path: &str) -> Self {
        Self(Some(format!("repository:{path}:pull,push")))
    }

    /// To write into it what another one has.
    pub(super) fn mount(path: &str, from: &str) -> Self {
        Self(Some(format!(
            "repository:{path}:pull,push repository:{from}:pull"
        )))
    }

    /// To delete from it.
    pub(super) fn delete(path: &str) -> Self {
        Self(Some(format!("repository:{path}:pull,delete")))
    }

    /// The text; none where nothing is asked for.
    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// What is asked of the token service: the own scope, and that of the server where it says more.
    pub(super) fn with<'a>(&'a self, challenged: Option<&'a str>) -> Vec<&'a str> {
        let own = self.text().unwrap_or_default();
        let mut all: Vec<&str> = own.split_whitespace().collect();
        let said = challenged.into_iter().flat_map(str::split_whitespace);
        for scope in said {
            if !all.iter().any(|own| covers(own, scope)) {
                all.push(scope);
            }
        }
        all
    }
}

/// Whether the first scope holds all of the second.
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
    fn what_the_server_asks_for_is_added_where_it_is_more() {
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
