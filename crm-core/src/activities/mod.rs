//! Activities: what somebody has to do about a record, and when. Start at [`task::Task`].
//!
//! A task says by itself when it wants to be looked at again ([`task::Task::wakes_at`]); the engine's timers are set from that.

pub mod requests;
pub mod task;
