//! Tickets that were there once, as arrivals of a simulation.

use std::collections::HashSet;
use std::path::Path;

use chrono::{DateTime, NaiveTime, TimeZone as _};
use chrono_tz::Tz;
use rapport_foundation::time::Micros;
use rapport_routing::simulate::{ReplayFile, Replayed};

use super::map::{Source, TimeRules};
use super::row::{Column, Header, Read, Row};
use super::rows::Rows;
use super::stamp::Stamps;

/// Wrong rows that are told one by one.
const TOLD: usize = 3;

/// Where the columns are, and how a time is read.
struct Reader {
    opened: Column,
    done: Option<Column>,
    first_by: Option<Column>,
    stamps: Stamps,
}

/// The tickets of a file in the order in which they came. Time begins at midnight before the first of them, in the
/// zone of the file, so that shifts and tickets have one clock. A row without a time of opening is no ticket.
///
/// # Errors
/// In words, when the file cannot be read or has rows that make no sense.
pub(crate) fn tickets(folder: &Path, replay: &ReplayFile) -> Result<Vec<Replayed>, String> {
    let path = folder.join(&replay.file);
    let told = |problem: String| format!("{}: {problem}", path.display());
    let source = Source {
        delimiter: replay.delimiter,
        ..Source::default()
    };
    let (mut rows, header, _) =
        Rows::open(&path, &source).map_err(|error| told(error.to_string()))?;
    let reader = Reader::bind(replay, &header).map_err(told)?;
    let zone: Tz = (replay.zone.parse()).map_err(|_| told("the zone is not known".into()))?;
    let (mut moments, mut wrong, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    while let Some(read) = rows.next().map_err(|error| told(error.to_string()))? {
        match read {
            Read::Broken(reject) => wrong.push(format!("line {}: {}", reject.line, reject.detail)),
            Read::Row(row) => {
                let first_by = reader.first_by.as_ref().and_then(|column| row.text(column));
                if first_by.is_some_and(|value| !seen.insert(value)) {
                    continue;
                }
                match reader.moments(&row) {
                    Ok(found) => moments.extend(found),
                    Err(problem) => wrong.push(format!("line {}: {problem}", row.line)),
                }
            }
        }
    }
    if !wrong.is_empty() {
        let count = wrong.len();
        wrong.truncate(TOLD);
        return Err(told(format!(
            "{count} row(s) cannot be used: {}",
            wrong.join("; ")
        )));
    }
    moments.sort_by_key(|(opened, _)| *opened);
    let Some(midnight) = moments
        .first()
        .and_then(|(first, _)| midnight(*first, zone))
    else {
        return Err(told("there is no ticket in it".into()));
    };
    let replayed = |(opened, done): (Micros, Option<Micros>)| Replayed {
        at: Micros(opened.0 - midnight.0),
        handle: done.and_then(|done| u64::try_from(done.0 - opened.0).ok()),
    };
    Ok(moments.into_iter().map(replayed).collect())
}

impl Reader {
    fn bind(replay: &ReplayFile, header: &Header) -> Result<Reader, String> {
        let column = |name: &String| {
            let found = header.names.iter().position(|known| known == name);
            found
                .map(Column::Cell)
                .ok_or_else(|| format!("there is no column `{name}`"))
        };
        Ok(Reader {
            opened: column(&replay.opened)?,
            done: replay.done.as_ref().map(column).transpose()?,
            first_by: replay.first_by.as_ref().map(column).transpose()?,
            stamps: Stamps::new(&TimeRules {
                zone: replay.zone.clone(),
                formats: replay.formats.clone(),
            })?,
        })
    }

    /// When a ticket was opened and done.
    fn moments(&self, row: &Row) -> Result<Option<(Micros, Option<Micros>)>, String> {
        let moment = |column: &Column| {
            let text = row.text(column).unwrap_or_default();
            match text.trim() {
                "" | "?" => Ok(None),
                text => self.stamps.parse(text).map(|at| Some(Micros::from(at))),
            }
        };
        let done = self.done.as_ref().map(moment).transpose()?.flatten();
        Ok(moment(&self.opened)?.map(|opened| (opened, done)))
    }
}

fn midnight(at: Micros, zone: Tz) -> Option<Micros> {
    let local = DateTime::from_timestamp_micros(at.0)?.with_timezone(&zone);
    let begin = local.date_naive().and_time(NaiveTime::MIN);
    let midnight = zone.from_local_datetime(&begin).earliest()?;
    Some(Micros(midnight.timestamp_micros()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn replay(done: Option<&str>) -> ReplayFile {
        ReplayFile {
            file: "tickets.csv".into(),
            delimiter: ',',
            opened: "opened".into(),
            done: done.map(Into::into),
            first_by: Some("number".into()),
            formats: vec!["%d/%m/%Y %H:%M".into()],
            zone: "Asia/Jakarta".into(),
        }
    }

    fn read(text: &str, replay: &ReplayFile) -> Result<Vec<Replayed>, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tickets.csv"), text).unwrap();
        tickets(folder.path(), replay)
    }

    #[test]
    fn tickets_come_in_the_order_of_their_times_on_a_local_clock() {
        let text = "number,opened,done\n\
            2,2/3/2016 00:30,2/3/2016 01:30\n\
            1,1/3/2016 09:00,?\n\
            1,5/3/2016 09:00,\n\
            3,,\n";
        let found = read(text, &replay(Some("done"))).unwrap();
        let hour = 3_600_000_000;
        let expected = [
            Replayed {
                at: Micros(9 * hour),
                handle: None,
            },
            Replayed {
                at: Micros(24 * hour + hour / 2),
                handle: Some(hour.unsigned_abs()),
            },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_line() {
        let text = "number,opened\n1,yesterday\n2,1/3/2016 09:00\n3,later\n";
        let problem = read(text, &replay(None)).unwrap_err();
        assert!(
            problem.contains("2 row(s)")
                && problem.contains("line 2")
                && problem.contains("line 4"),
            "{problem}"
        );
        let problem = read(text, &replay(Some("closed"))).unwrap_err();
        assert!(problem.contains("there is no column `closed`"), "{problem}");
        assert!(read("number,opened\n1,\n", &replay(None)).is_err());
    }
}
