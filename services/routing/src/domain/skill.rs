use std::collections::BTreeSet;

use super::Code;

/// Something an agent can do and work may ask for. Levels come later: a skill is held or not.
pub type Skill = Code;

/// A set of skills.
pub type Skills = BTreeSet<Skill>;
