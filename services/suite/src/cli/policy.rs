//! `rapport policy`

use clap::Args;
use rapport_gateway::policy::{Method, Policies};

use super::{Ended, say};
use crate::error::Error;

/// What the contracts demand of callers: one line a method.
#[derive(Debug, Args)]
pub(super) struct Policy {
    /// Only methods whose path holds this
    #[arg(default_value = "")]
    part: String,
}

impl Policy {
    pub(super) fn run(self) -> Result<Ended, Error> {
        let table = table().map_err(|error| Error::Usage(error.to_string()))?;
        let mut lines = table.iter();
        lines.next().into_iter().for_each(|head| say(head));
        lines
            .filter(|line| line.contains(&self.part))
            .for_each(|line| say(line));
        Ok(Ended::Well)
    }
}

/// The table, its head first, ordered by path.
fn table() -> Result<Vec<String>, rapport_gateway::policy::Incomplete> {
    let policies = Policies::read(rapport_proto::pool())?;
    let mut methods: Vec<&Method> = policies.all().map(AsRef::as_ref).collect();
    methods.sort_by(|a, b| a.path.cmp(&b.path));
    let head = row([
        "method",
        "scope",
        "rate",
        "deadline",
        "marks",
        "roles that hold it",
    ]);
    Ok(std::iter::once(head)
        .chain(methods.into_iter().map(line))
        .collect())
}

fn line(method: &Method) -> String {
    let marks = [
        (method.personal_data, "personal"),
        (method.audited, "audited"),
        (method.idempotent, "idempotent"),
        (method.streaming, "streaming"),
        (method.internal, "internal"),
    ];
    let marks: Vec<&str> = marks
        .into_iter()
        .filter_map(|(holds, name)| holds.then_some(name))
        .collect();
    let roles: Vec<String> = method
        .roles
        .iter()
        .map(|role| plain(role.as_str_name(), "ROLE_"))
        .collect();
    row([
        method.path.trim_start_matches('/'),
        &method.scope,
        &plain(method.rate.as_str_name(), "RATE_CLASS_"),
        &plain(method.deadline.as_str_name(), "DEADLINE_CLASS_"),
        &marks.join(" "),
        &roles.join(" "),
    ])
}

fn row([method, scope, rate, deadline, marks, roles]: [&str; 6]) -> String {
    let line = format!("{method:<62} {scope:<22} {rate:<6} {deadline:<11} {marks:<36} {roles}");
    line.trim_end().to_owned()
}

/// `ROLE_END_CUSTOMER` → `end_customer`.
fn plain(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_ascii_lowercase()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    /// A change of a policy is a decision: it is seen here, and made by writing the table anew
    /// (`cargo run -- policy > services/suite/src/cli/policy.txt`).
    #[test]
    fn the_policy_of_every_method_is_as_it_was_decided() {
        let table = super::table().unwrap().join("\n") + "\n";
        assert_eq!(table, include_str!("policy.txt"));
    }
}
