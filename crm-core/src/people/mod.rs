//! People: the users who own and move records, and who acts for whom. Start at [`user::User`].

pub mod standing_in;
pub mod user;
