//! New records that are not looked for: where the store refuses those that exist, a session need not ask for them first.

use super::Session;
use crate::base::entity::Entity;
use crate::base::error::Result;
use crate::base::id::Id;
use crate::base::record::{Key, Record};
use crate::config::{ConfigRecord, STORED_ID};

impl Session<'_> {
    /// Leaves it to the commit to refuse new records that exist, where the store allows that; see [`Session::has_skipped`].
    pub(in crate::crm) fn leave_unread(&mut self) {
        self.unread = true;
    }

    /// Says whether a new record was not looked for: then a refusal is no answer yet, since one that looks for it might come first.
    pub(in crate::crm) fn has_skipped(&self) -> bool {
        self.skipped
    }

    /// Reads what a new record will ask for in one go: the configuration, unless it is known, and the place where it is to stand.
    ///
    /// # Errors
    /// Whatever the store meets.
    pub(in crate::crm) async fn read_ahead(&mut self, key: Key) -> Result<()> {
        if self.leaves(&key) {
            return Ok(());
        }
        let config = Key::new(ConfigRecord::KIND, &Id::new(STORED_ID)?);
        let is_known = self.config.is_some() || self.given_config.is_some();
        let mut keys: Vec<Key> = [Some(config).filter(|_| !is_known), Some(key)].into_iter().flatten().collect();
        keys.retain(|key| !self.places.contains_key(key) && !self.read.contains_key(key));
        if keys.is_empty() {
            return Ok(());
        }
        let found = self.repository.get(&self.context.tenant, &keys).await?;
        for (key, found) in keys.into_iter().zip(found) {
            self.remember(key, found.map(Record::resolved));
        }
        Ok(())
    }

    /// Says whether the store need not be asked for new records; inside a transaction nothing could be decided anew.
    fn allows_unread(&self) -> bool {
        let capabilities = self.repository.capabilities();
        capabilities.unread_creates && !capabilities.in_transaction
    }

    /// Says whether it is left to the commit to find out that there is a record already.
    pub(super) fn leaves(&mut self, key: &Key) -> bool {
        if !self.unread || self.places.contains_key(key) || self.read.contains_key(key) {
            return false;
        }
        self.unread = self.skipped || self.allows_unread();
        self.skipped = self.unread;
        self.unread
    }
}
