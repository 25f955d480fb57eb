//! Which layers a host wants around its repository.

use std::sync::Arc;

use super::history::HistoryRepository;
use super::repository::Repository;

/// The layers that are chosen where a repository is opened; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// Every version of every record is kept: [`HistoryRepository`].
    pub history: bool,
}

impl Layers {
    /// The repository with these layers around it.
    pub fn around(self, repository: Arc<dyn Repository>) -> Arc<dyn Repository> {
        if self.history { Arc::new(HistoryRepository::new(repository)) } else { repository }
    }
}
