use rapport_foundation::id::{RoutingPolicyId, TicketId};
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::rules::{RoutingPolicy, Rules};
use crate::domain::Code;
use crate::domain::cel::{EvalError, Expr, Traced, Value, Variables, evaluate, explain, parse};

/// The version that holds, ready to be tried.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) policy: RoutingPolicy,
    /// The condition of each filter; none for one that cannot be read, which fits nothing.
    conditions: Vec<Option<Expr>>,
}

/// Steps that all conditions of a policy may take together for one work item: they run where the engines of all tenants
/// decide.
const STEPS_OF_ALL: u32 = 20_000;

/// What a policy says of some work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) policy: RoutingPolicyId,
    pub(crate) version: i64,
    /// The filter that fits; none when none does.
    pub(crate) filter: Option<usize>,
}

/// What was chosen for a ticket, and on what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RouteRecord {
    pub(crate) ticket: TicketId,
    pub(crate) policy: RoutingPolicyId,
    pub(crate) version: i64,
    /// The filter that fitted; none when none did.
    pub(crate) filter: Option<Code>,
    /// The target it began at; none for the default queue.
    pub(crate) target: Option<usize>,
    pub(crate) facts: Facts,
    pub(crate) at: Micros,
}

/// What became of a filter.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Code,
    pub(crate) verdict: Verdict,
    pub(crate) traced: Vec<Traced>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fits,
    DoesNotFit,
    /// Taken for not fitting.
    Failed(String),
    NotTried,
}

impl Published {
    pub(crate) fn new(policy: RoutingPolicy) -> Self {
        let filters = policy.rules.filters.iter();
        let conditions = filters.map(|filter| parse(&filter.expression).ok());
        Self {
            conditions: conditions.collect(),
            policy,
        }
    }

    /// Which filter fits.
    pub(crate) fn choose(&self, facts: &Facts) -> Choice {
        let known = facts.variables();
        let mut steps = STEPS_OF_ALL;
        let fits = |condition: &Option<Expr>| {
            let condition = condition.as_ref();
            let value = condition.map(|expr| evaluate(expr, &known, &mut steps));
            matches!(value, Some(Ok(Value::Bool(true))))
        };
        Choice {
            policy: self.policy.id,
            version: self.policy.version,
            filter: self.conditions.iter().position(fits),
        }
    }

    /// What becomes of each filter, and which fits.
    pub(crate) fn explain(&self, facts: &Facts) -> (Vec<Outcome>, Option<usize>) {
        let known = facts.variables();
        let mut steps = STEPS_OF_ALL;
        let mut decided = None;
        let mut outcomes = Vec::new();
        for (place, filter) in self.policy.rules.filters.iter().enumerate() {
            let (verdict, traced) = match self.conditions.get(place) {
                _ if decided.is_some() => (Verdict::NotTried, Vec::new()),
                Some(Some(expr)) => tried(expr, &known, &mut steps),
                _ => (Verdict::Failed("it cannot be read".to_owned()), Vec::new()),
            };
            if verdict == Verdict::Fits {
                decided = Some(place);
            }
            outcomes.push(Outcome {
                code: filter.code.clone(),
                verdict,
                traced,
            });
        }
        (outcomes, decided)
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.policy.rules
    }
}

fn tried(expr: &Expr, known: &Variables, steps: &mut u32) -> (Verdict, Vec<Traced>) {
    let (value, traced) = explain(expr, known, steps);
    let verdict = match value {
        Ok(Value::Bool(true)) => Verdict::Fits,
        Ok(Value::Bool(false)) => Verdict::DoesNotFit,
        Ok(_) => Verdict::Failed(EvalError::NoOverload.to_string()),
        Err(error) => Verdict::Failed(error.to_string()),
    };
    (verdict, traced)
}
