//! People: the users who own and move records. Start at [`user::User`].

pub mod user;
