//! Frames: to come.
