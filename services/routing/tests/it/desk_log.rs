//! The log of a service desk, played again: what its incidents went through is what tickets go through here. A few made
//! up incidents always; the real log where `RAPPORT_DATA` names the folder it is in, else this says that it is skipped.

use std::collections::BTreeSet;

use rapport_foundation::testing::{real_data, report};

use crate::bench::{Bench, everywhere};

mod log;
mod played;
mod served;

use log::{Incident, Says};
use played::{Names, Played};

const SAMPLE: &str = include_str!("desk_log/sample.csv");
const REAL: &str = "incident_log/dev/incident_event_log.dev.csv.gz";

/// One in so many incidents of the real log goes through the service.
const SERVED_EVERY: usize = 60;
/// And so many of each state.
const SERVED_OF_EACH: usize = 5;

/// The real log, if it is there.
fn real() -> Option<Vec<Incident>> {
    let folder = real_data("a service desk's log")?;
    let file = std::fs::File::open(folder.join(REAL)).unwrap();
    Some(log::read(flate2::read::GzDecoder::new(file)))
}

/// How much of a log comes out as it says.
#[derive(Debug, Default)]
struct Figures {
    incidents: usize,
    rows: usize,
    /// Rows with the priority that follows.
    priorities: usize,
    /// Rows with the count of reassignments, and incidents that end with it.
    reassignments: (usize, usize),
    /// Incidents that end with the count of reopenings.
    reopenings: usize,
    /// Rows whose `made_sla` is kept as given.
    made_sla: usize,
    states: BTreeSet<Says>,
}

impl Figures {
    fn of(log: &[Incident]) -> Self {
        let (mut figures, mut names) = (Self::default(), Names::default());
        for incident in log {
            let Played { ticket, rows, .. } = played::play(incident, &mut names);
            figures.incidents += 1;
            figures.rows += rows.len();
            for (row, became) in incident.iter().zip(&rows) {
                figures.states.insert(row.state);
                figures.priorities += usize::from(became.priority == row.priority);
                figures.reassignments.0 += usize::from(became.reassignments == row.reassignments);
                figures.made_sla += usize::from(became.made_sla == row.made_sla);
            }
            let Some(last) = incident.last() else {
                continue;
            };
            figures.reassignments.1 += usize::from(ticket.reassignment_count == last.reassignments);
            figures.reopenings += usize::from(ticket.reopen_count == last.reopenings);
        }
        figures
    }
}

#[test]
fn made_up_incidents_come_out_as_they_say() {
    let log = log::read(SAMPLE.as_bytes());
    let figures = Figures::of(&log);
    assert_eq!((figures.incidents, figures.rows), (4, 22));
    assert_eq!(figures.priorities, 22);
    assert_eq!(figures.reassignments, (22, 4));
    assert_eq!(figures.reopenings, 4);
    assert_eq!(figures.made_sla, 22);
    assert_eq!(figures.states.len(), Says::ALL.len());
}

#[test]
fn a_wrong_count_or_priority_is_noticed() {
    let wrong = SAMPLE
        .replace(",3,3,4,", ",3,3,3,")
        .replace("0000002,Closed,2", "0000002,Closed,3");
    assert_ne!(wrong, SAMPLE);
    let figures = Figures::of(&log::read(wrong.as_bytes()));
    assert!(figures.priorities < figures.rows);
    assert_eq!(figures.reassignments.1, figures.incidents - 1);
}

#[test]
fn a_service_desks_log_comes_out_as_it_says() {
    let Some(log) = real() else { return };
    let figures = Figures::of(&log);
    report(&format!(
        "service desk: {} of {} rows have the priority of their impact and urgency, {} of {} incidents the count of \
         reassignments ({} rows), {} the count of reopenings, made_sla as given on {} rows, {} states",
        figures.priorities,
        figures.rows,
        figures.reassignments.1,
        figures.incidents,
        figures.reassignments.0,
        figures.reopenings,
        figures.made_sla,
        figures.states.len(),
    ));
    assert_eq!((figures.rows, figures.incidents), (101_045, 17_136));
    assert_eq!(figures.priorities, figures.rows);
    assert!(figures.reassignments.1 >= 13_798, "{figures:?}");
    assert_eq!(figures.reopenings, figures.incidents);
    assert_eq!(figures.made_sla, figures.rows);
    assert_eq!(figures.states.len(), Says::ALL.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_incidents_come_out_of_the_service_as_they_say() {
    let log = log::read(SAMPLE.as_bytes());
    everywhere(async |bench: Bench| served::serve(&bench, &log).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_desks_incidents_come_out_of_the_service_as_they_say() {
    let Some(log) = real() else { return };
    let some = sample(log);
    everywhere(async |bench: Bench| {
        served::serve(&bench, &some).await;
        let rows: usize = some.iter().map(Vec::len).sum();
        report(&format!(
            "service desk: {} incidents of {rows} rows through the service",
            some.len()
        ));
    })
    .await;
}

/// Some incidents from all over the log, and a few of each state.
fn sample(log: Vec<Incident>) -> Vec<Incident> {
    let mut of_each: Vec<usize> = vec![0; Says::ALL.len()];
    let mut wanted = |(place, incident): &(usize, Incident)| {
        let mut rare = false;
        for (count, state) in of_each.iter_mut().zip(Says::ALL) {
            if incident.iter().any(|row| row.state == *state) && *count < SERVED_OF_EACH {
                *count += 1;
                rare = true;
            }
        }
        rare || place % SERVED_EVERY == 0
    };
    let log = log.into_iter().enumerate();
    log.filter(|one| wanted(one))
        .map(|(_, incident)| incident)
        .collect()
}
