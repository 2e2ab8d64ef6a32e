//! `rapport token`: development only.

use std::path::PathBuf;

use clap::Args;
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Clock;
use rapport_gateway::auth::development::{self, Grant};

use super::{Ended, say};
use crate::data_dir::DataDir;
use crate::error::Error;

/// Made with the secret of an embedded suite's data directory. A production gateway has no such secret.
#[derive(Debug, Args)]
pub(super) struct Token {
    /// The tenant, ten_…; none for an operator who creates tenants
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Who; unique in the tenant
    #[arg(long)]
    subject: String,
    /// agent, supervisor, analyst, manager, connector, end_customer or operator; may be repeated
    #[arg(long)]
    role: Vec<String>,
    /// A single right such as profiles.read; may be repeated
    #[arg(long)]
    scope: Vec<String>,
    /// The connector's name; interactions are unique by it and their external id
    #[arg(long)]
    connector: Option<String>,
    /// How long the token is good for, such as 30m, 8h, 1d
    #[arg(long, default_value = "8h", value_parser = seconds)]
    ttl: u32,
    /// The data directory of the embedded suite
    #[arg(long, value_name = "DIR", default_value = "rapport-data")]
    data_dir: PathBuf,
}

impl Token {
    pub(super) fn run(self) -> Result<Ended, Error> {
        if let Some(unknown) = self.role.iter().find(|role| !is_role(role)) {
            return Err(Error::Usage(format!(
                "`{unknown}` is no role; see `rapport token --help`"
            )));
        }
        if self.tenant.is_none() && !self.role.iter().any(|role| role == "operator") {
            return Err(Error::Usage(
                "--tenant is needed for everybody but an operator".into(),
            ));
        }
        let grant = Grant {
            tenant: self.tenant,
            subject: self.subject,
            roles: self.role,
            scopes: self.scope,
            connector: self.connector,
            lifetime_seconds: self.ttl,
        };
        let secret = DataDir::at(&self.data_dir).secret()?;
        say(&sign(&secret, &grant)?);
        Ok(Ended::Well)
    }
}

/// Signs a development token.
pub(crate) fn sign(secret: &str, grant: &Grant) -> Result<String, Error> {
    development::token(secret, grant, Clock::system().now())
        .map_err(|error| Error::Token(error.to_string()))
}

fn is_role(name: &str) -> bool {
    use rapport_proto::options::v1::Role;
    let lower = name == name.to_ascii_lowercase();
    let role = Role::from_str_name(&format!("ROLE_{}", name.to_ascii_uppercase()));
    lower && role.is_some_and(|role| role != Role::Unspecified)
}

/// `90`, `90s`, `15m`, `8h`, `1d` in seconds.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is no duration such as 90s, 15m, 8h or 1d");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u32 = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let amount: u32 = digits.parse().map_err(|_| wrong())?;
    amount
        .checked_mul(unit)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_or_are_seconds() {
        for (text, expected) in [
            ("90", 90),
            ("90s", 90),
            ("15m", 900),
            ("8h", 28_800),
            ("1d", 86_400),
        ] {
            assert_eq!(seconds(text), Ok(expected));
        }
        for text in ["", "0", "h", "1w", "-1h", "1.5h", "99999999d", "1ä"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn roles_are_those_of_the_contract() {
        assert!(is_role("agent") && is_role("end_customer"));
        assert!(!is_role("Agent") && !is_role("unspecified") && !is_role("root"));
    }
}
