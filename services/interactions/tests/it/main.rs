//! The interaction log as its callers and its neighbours see it, on every engine there is.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bucket;
mod channels;
mod corpus;
mod detecting;
mod ending;
mod facts;
mod intake;
mod linking;
mod listing;
mod media;
mod neighbours;
mod numbers;
mod privacy;
mod recording;
mod searching;
mod stage;
mod streaming;
mod timeline;
mod verifying;
mod watching;
