//! The interaction log as its callers and its neighbours see it, on every engine there is.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bucket;
mod channels;
mod corpus;
mod counting;
mod detecting;
mod dump;
mod ending;
mod erasing;
mod exporting;
mod extracting;
mod facts;
mod intake;
mod leaking;
mod linking;
mod listing;
mod matters;
mod media;
mod neighbours;
mod numbers;
mod outbound;
mod privacy;
mod recording;
mod retaining;
mod samples;
mod sealing;
mod searching;
mod stage;
mod streaming;
mod threading;
mod timeline;
mod verifying;
mod watching;
