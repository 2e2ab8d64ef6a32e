//! What somebody should look at before a policy holds.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::id::QueueId;

use super::facts::ENV;
use super::relaxation::least;
use super::rules::{Filter, Rules, Target};
use crate::domain::cel::{Expr, Fault, Type, check, constant, parse};
use crate::domain::engine::Profile;
use crate::domain::{Queue, Skills};

/// Something about a policy that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it can be published so.
    pub severity: Severity,
    /// The path of the field.
    pub field: String,
    /// A stable `UPPER_SNAKE` reason.
    pub reason: &'static str,
    /// What it is, in English.
    pub what: String,
    /// Where in an expression: so many characters stand before it.
    pub at: usize,
}

/// Whether a policy can be published in spite of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can.
    Warning,
}

/// Who works where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Staff(BTreeMap<QueueId, Post>);

#[derive(Clone, Debug)]
struct Post {
    required: Skills,
    /// What its agents can do; those who can do the same count once.
    held: BTreeSet<Skills>,
}

impl Staff {
    pub(crate) fn of<'a>(
        queues: impl IntoIterator<Item = &'a Queue>,
        agents: impl IntoIterator<Item = &'a Profile>,
    ) -> Self {
        let post = |queue: &Queue| Post {
            required: queue.required_skills.clone(),
            held: BTreeSet::new(),
        };
        let posts = queues.into_iter().map(|queue| (queue.id, post(queue)));
        let mut staff = Self(posts.collect());
        for agent in agents {
            for queue in &agent.queues {
                if let Some(post) = staff.0.get_mut(queue)
                    && !post.held.contains(&agent.skills)
                {
                    post.held.insert(agent.skills.clone());
                }
            }
        }
        staff
    }
}

/// Everything there is to say, in the order of the fields.
pub(crate) fn lint(rules: &Rules, staff: &Staff) -> Vec<Finding> {
    let mut linter = Linter {
        staff,
        findings: Vec::new(),
        seen: Vec::new(),
        decided: None,
    };
    for (place, filter) in rules.filters.iter().enumerate() {
        linter.filter(place, filter);
    }
    linter.targets("default_targets", &rules.default_targets);
    linter.findings
}

struct Linter<'a> {
    staff: &'a Staff,
    findings: Vec<Finding>,
    /// Conditions of filters before, and their places.
    seen: Vec<(Expr, usize)>,
    /// The first filter that fits everything.
    decided: Option<usize>,
}

impl Linter<'_> {
    fn note(&mut self, severity: Severity, field: &str, reason: &'static str, what: String) {
        self.findings.push(Finding {
            severity,
            field: field.to_owned(),
            reason,
            what,
            at: 0,
        });
    }

    fn error(&mut self, field: &str, reason: &'static str, what: impl Into<String>) {
        self.note(Severity::Error, field, reason, what.into());
    }

    fn warning(&mut self, field: &str, reason: &'static str, what: impl Into<String>) {
        self.note(Severity::Warning, field, reason, what.into());
    }

    fn fault(&mut self, field: &str, fault: Fault) {
        let severity = match fault.reason {
            "UNUSED_NAME" => Severity::Warning,
            _ => Severity::Error,
        };
        self.note(severity, field, fault.reason, fault.what);
        if let Some(finding) = self.findings.last_mut() {
            finding.at = fault.at;
        }
    }

    fn filter(&mut self, place: usize, filter: &Filter) {
        let path = format!("filters[{place}]");
        if let Some(before) = self.decided {
            let what = format!("filters[{before}] fits everything");
            self.error(&path, "UNREACHABLE_FILTER", what);
        }
        let field = format!("{path}.expression");
        match parse(&filter.expression) {
            Ok(expr) => self.condition(place, &field, expr),
            Err(fault) => self.fault(&field, fault),
        }
        if filter.targets.is_empty() {
            self.error(&format!("{path}.targets"), "REQUIRED", "is required");
        }
        self.targets(&format!("{path}.targets"), &filter.targets);
    }

    fn condition(&mut self, place: usize, field: &str, expr: Expr) {
        let (of, faults) = check(&expr, &ENV);
        let understood = !faults.iter().any(|fault| fault.reason != "UNUSED_NAME");
        for fault in faults {
            self.fault(field, fault);
        }
        if understood && !matches!(of, Type::Bool | Type::Any) {
            let what = format!("is {of}, and a condition is wanted");
            self.error(field, "TYPE_MISMATCH", what);
            return;
        }
        match constant(&expr) {
            Some(true) => {
                self.decided.get_or_insert(place);
            }
            Some(false) => self.warning(field, "NEVER_FITS", "fits nothing"),
            None => {}
        }
        let same = self.seen.iter().find(|(known, _)| *known == expr);
        if let Some((_, before)) = same {
            let what = format!("says the same as filters[{before}]");
            self.error(field, "UNREACHABLE_FILTER", what);
        } else {
            self.seen.push((expr, place));
        }
    }

    fn targets(&mut self, path: &str, targets: &[Target]) {
        for (place, target) in targets.iter().enumerate() {
            let path = format!("{path}[{place}]");
            self.staffed(&path, target);
            let before = targets.get(..place).unwrap_or_default();
            let stays = |target: &Target| target.timeout.is_none() && !target.skip_unstaffed;
            if before.iter().any(stays) {
                let what = "work never leaves a target before it";
                self.error(&path, "UNREACHABLE_TARGET", what);
            }
            let same =
                |known: &Target| (known.queue, &known.skills) == (target.queue, &target.skills);
            if before.iter().any(same) {
                let what = "asks the same agents as a target before it";
                self.warning(&path, "REPEATED_TARGET", what);
            }
        }
        if let Some((last, before)) = targets.split_last() {
            let path = format!("{path}[{}]", before.len());
            if last.timeout.is_some() {
                let field = format!("{path}.timeout_s");
                self.warning(&field, "NO_NEXT_TARGET", "has no effect: no target follows");
            }
            if last.skip_unstaffed {
                let field = format!("{path}.skip_unstaffed");
                self.warning(&field, "NO_NEXT_TARGET", "has no effect: no target follows");
            }
        }
    }

    fn staffed(&mut self, path: &str, target: &Target) {
        let Some(post) = self.staff.0.get(&target.queue) else {
            let field = format!("{path}.queue_id");
            return self.error(&field, "UNKNOWN_QUEUE", "there is no such queue");
        };
        // Somebody who could take it only after some wait is enough.
        let asked = least(
            &target.relaxations,
            &target.skills.clone().and(&post.required),
        );
        let suits = |held: &Skills| held.cover(&asked);
        if post.held.is_empty() {
            let field = format!("{path}.queue_id");
            self.warning(&field, "NO_AGENTS", "nobody serves the queue");
        } else if !post.held.iter().any(suits) {
            let field = format!("{path}.required_skills");
            let what = "nobody who serves the queue holds all of them and those of the queue";
            self.warning(&field, "UNSATISFIABLE_SKILLS", what);
        }
    }
}
