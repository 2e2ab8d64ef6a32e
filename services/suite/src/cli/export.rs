//! `rapport export interactions [FILE]`

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime};
use clap::{Args, Subcommand};
use prost_types::Timestamp;
use rapport_proto::interactions::v1::ExportInteractionsRequest;
use rapport_proto::types::v1::{Channel, Direction, InteractionKind, Purpose};

use super::call::Target;
use super::token::seconds;
use super::{Ended, out, say};
use crate::error::Error;
use crate::export::{Format, Plan, run};
use crate::import::{Named, named};

#[derive(Debug, Subcommand)]
pub(super) enum Export {
    /// Contacts to NDJSON, CSV or Parquet, the oldest event first, each as it is known now
    ///
    /// FILE appears when it is whole. Until then FILE.part holds what was written: killed or stopped, the same command
    /// goes on from there. Remove FILE.part and FILE.part.state to begin again.
    Interactions(Box<Interactions>),
}

#[derive(Debug, Args)]
pub(super) struct Interactions {
    /// The file; standard output when not given, which nothing can go on with
    file: Option<PathBuf>,
    /// How to write [default: by the ending of FILE, else ndjson]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Took place at or after: RFC 3339, or a day in UTC
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Took place before
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Received at or after
    #[arg(long, value_name = "TIME", value_parser = moment)]
    received_from: Option<Timestamp>,
    /// Received before [default: the beginning of the export]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    received_until: Option<Timestamp>,
    /// On this channel, such as messaging
    #[arg(long, value_parser = code::<Channel>)]
    channel: Option<i32>,
    /// inbound or outbound
    #[arg(long, value_parser = code::<Direction>)]
    direction: Option<i32>,
    /// About this, such as complaint
    #[arg(long, value_parser = code::<Purpose>)]
    purpose: Option<i32>,
    /// Of this form, such as call
    #[arg(long, value_parser = code::<InteractionKind>)]
    kind: Option<i32>,
    /// Over this network, such as whatsapp
    #[arg(long, default_value = "", hide_default_value = true)]
    provider: String,
    /// Said by this connector
    #[arg(long, default_value = "", hide_default_value = true)]
    connector: String,
    /// Of this customer
    #[arg(
        long,
        value_name = "CUSTOMER_ID",
        default_value = "",
        hide_default_value = true
    )]
    customer: String,
    /// In this language, such as id or en-GB
    #[arg(long, default_value = "", hide_default_value = true)]
    language: String,
    /// With this attribute
    #[arg(
        long,
        value_name = "KEY=VALUE",
        default_value = "",
        hide_default_value = true
    )]
    tag: String,
    /// Rows of a row group of Parquet at most; a row group that is not whole is asked for again after an interruption
    #[arg(long, value_name = "COUNT", default_value_t = 50_000)]
    group_rows: usize,
    /// How long the suite may be out of reach
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = seconds)]
    give_up_after: u32,
    #[command(flatten)]
    target: Target,
}

impl Export {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        let Export::Interactions(command) = self;
        let format = match (command.format, &command.file) {
            (Some(format), _) => format,
            (None, None) => Format::Ndjson,
            (None, Some(file)) => Format::by_name(file).ok_or_else(|| {
                let text =
                    "the file ends in none of .ndjson, .jsonl, .csv and .parquet: give a --format";
                Error::Usage(text.into())
            })?,
        };
        let plan = Plan {
            gateway: command.target.authorised()?,
            request: ExportInteractionsRequest {
                from_time: command.from,
                until_time: command.until,
                receive_from_time: command.received_from,
                receive_until_time: command.received_until,
                channel: command.channel.unwrap_or_default(),
                direction: command.direction.unwrap_or_default(),
                purpose: command.purpose.unwrap_or_default(),
                kind: command.kind.unwrap_or_default(),
                provider: command.provider,
                connector: command.connector,
                customer_id: command.customer,
                language: command.language,
                tag: command.tag,
                cursor: String::new(),
            },
            format,
            file: command.file,
            group_rows: command.group_rows,
            give_up_after: Duration::from_secs(command.give_up_after.into()),
        };
        let report = run(plan, rapport_foundation::service::termination()).await?;
        match report.file {
            Some(_) => say(&report.to_string()),
            // Standard output holds the contacts.
            None => out::aside(&report.to_string()),
        }
        Ok(Ended::Well)
    }
}

/// A name of the contract, in any case.
fn code<N: Named>(text: &str) -> Result<i32, String> {
    named::<N>(&text.to_ascii_uppercase())
}

/// `2026-01-31T08:00:00+07:00`, or `2026-01-31` for its midnight in UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || {
        Some(
            text.parse::<NaiveDate>()
                .ok()?
                .and_time(NaiveTime::MIN)
                .and_utc(),
        )
    };
    let at = DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .ok();
    let at = at.or_else(day).ok_or_else(|| {
        format!("`{text}` is no time such as 2026-01-31 or 2026-01-31T08:00:00+07:00")
    })?;
    Ok(Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_micros()).unwrap_or(0) * 1000,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_days_or_times_with_a_zone() {
        for (text, seconds) in [
            ("2026-01-01", 1_767_225_600),
            ("2026-01-01T07:00:00+07:00", 1_767_225_600),
            ("2026-01-01T00:00:00Z", 1_767_225_600),
        ] {
            assert_eq!(moment(text).map(|at| at.seconds), Ok(seconds), "{text}");
        }
        for text in ["", "2026-02-30", "2026-01-01T07:00:00", "yesterday"] {
            assert!(moment(text).is_err(), "{text}");
        }
        assert_eq!(code::<Channel>("phone"), Ok(Channel::Phone.into()));
        assert!(code::<Channel>("fax").is_err());
    }
}
