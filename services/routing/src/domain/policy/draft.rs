use rapport_foundation::id::RoutingPolicyId;
use rapport_foundation::time::Micros;

use super::lint::{Finding, Severity, Staff, lint};
use super::rules::{Filter, PolicyState, RoutingPolicy, Rules, Target};

/// New values of a draft; what is `None` stays, or is nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) display_name: Option<String>,
    pub(crate) filters: Option<Vec<Filter>>,
    pub(crate) default_targets: Option<Vec<Target>>,
}

/// Why a version cannot do what is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingRefusal {
    /// There are as many versions as there may be.
    #[error("there are as many versions as there may be")]
    TooMany,
    /// It held before, or holds now.
    #[error("the version is no draft")]
    NotDraft,
    /// It did not hold before, or holds now.
    #[error("the version is not retired")]
    NotRetired,
    /// These are its errors.
    #[error("the version has errors: {0:?}")]
    Faulty(Vec<Finding>),
}

impl RoutingPolicy {
    /// Versions of a tenant at most.
    pub(crate) const VERSIONS_MAX: i64 = 10_000;

    /// The version that comes after so many.
    pub(crate) fn draft(versions: i64, draft: Draft, now: Micros) -> Result<Self, RoutingRefusal> {
        if versions >= Self::VERSIONS_MAX {
            return Err(RoutingRefusal::TooMany);
        }
        let mut policy = Self {
            id: RoutingPolicyId::new(now),
            version: versions + 1,
            state: PolicyState::Draft,
            rules: Rules::default(),
            created_at: now,
            updated_at: now,
            published_at: None,
            revision: 0,
        };
        policy.change(draft, now)?;
        Ok(policy)
    }

    pub(crate) fn change(&mut self, draft: Draft, now: Micros) -> Result<(), RoutingRefusal> {
        if self.state != PolicyState::Draft {
            return Err(RoutingRefusal::NotDraft);
        }
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        set(&mut self.rules.display_name, draft.display_name);
        set(&mut self.rules.filters, draft.filters);
        set(&mut self.rules.default_targets, draft.default_targets);
        self.changed(now);
        Ok(())
    }

    /// Makes a draft hold, or, going `back`, one that held before.
    pub(crate) fn publish(
        &mut self,
        back: bool,
        staff: &Staff,
        now: Micros,
    ) -> Result<(), RoutingRefusal> {
        match (self.state, back) {
            (PolicyState::Draft, false) | (PolicyState::Retired, true) => {}
            (_, false) => return Err(RoutingRefusal::NotDraft),
            (_, true) => return Err(RoutingRefusal::NotRetired),
        }
        let mut findings = lint(&self.rules, staff);
        findings.retain(|finding| finding.severity == Severity::Error);
        if !findings.is_empty() {
            return Err(RoutingRefusal::Faulty(findings));
        }
        self.state = PolicyState::Published;
        self.published_at = Some(now);
        self.changed(now);
        Ok(())
    }

    pub(crate) fn retire(&mut self, now: Micros) {
        self.state = PolicyState::Retired;
        self.changed(now);
    }

    fn changed(&mut self, now: Micros) {
        self.updated_at = now;
        self.revision += 1;
    }
}
