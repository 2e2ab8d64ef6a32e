//! Customer profiles: one customer behind many identifiers, explainably and reversibly.

pub mod domain;
