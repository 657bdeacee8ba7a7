//! Long lists in several pages.

use crate::link;

/// Number of rows in a page.
pub(super) const ROWS: usize = 50;

/// Position in a list.
pub(crate) struct Paging {
    /// Number of rows of the whole list.
    pub(crate) total: usize,
    /// Page, from 1.
    pub(crate) page: usize,
    /// Number of pages.
    pub(crate) pages: usize,
    /// Address of the page before.
    pub(crate) previous: Option<String>,
    /// Address of the page after.
    pub(crate) next: Option<String>,
    /// Whether a page beyond the end was requested.
    pub(crate) is_beyond: bool,
}

impl Paging {
    /// Creates the position of a page; one beyond the end becomes the last. `pairs` are the other parts of the query.
    pub(crate) fn new(
        total: usize,
        page: Option<usize>,
        path: &str,
        pairs: &[(&str, &str)],
    ) -> Self {
        let pages = total.div_ceil(ROWS).max(1);
        let wanted = page.unwrap_or(1).max(1);
        let page = wanted.min(pages);
        let to = |page: usize| {
            let number = page.to_string();
            let mut pairs = pairs.to_vec();
            pairs.push(("page", if page == 1 { "" } else { &number }));
            link::query(path, &pairs)
        };
        Self {
            total,
            page,
            pages,
            previous: (page > 1).then(|| to(page - 1)),
            next: (page < pages).then(|| to(page + 1)),
            is_beyond: wanted > pages,
        }
    }

    /// Returns the rows of the page.
    pub(crate) fn rows<T>(&self, all: Vec<T>) -> Vec<T> {
        let skipped = (self.page - 1) * ROWS;
        all.into_iter().skip(skipped).take(ROWS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Paging, ROWS};

    #[test]
    fn page_beyond_the_end_is_the_last() {
        let paging = Paging::new(ROWS * 2 + 1, Some(usize::MAX), "/records", &[("q", "a")]);
        assert_eq!((paging.page, paging.pages), (3, 3));
        assert!(paging.is_beyond && paging.next.is_none());
        assert_eq!(paging.previous.as_deref(), Some("/records?q=a&page=2"));
        assert_eq!(paging.rows((0..=ROWS * 2).collect()), [ROWS * 2]);
    }

    #[test]
    fn empty_list_has_one_page() {
        let paging = Paging::new(0, Some(0), "/records", &[]);
        assert_eq!((paging.page, paging.pages), (1, 1));
        assert!(!paging.is_beyond && paging.next.is_none() && paging.previous.is_none());
    }
}
