//! The log as it is: a row for each time that an incident was looked at.

use std::io::Read;

use rapport_routing::domain::sla::WaitingOn;
use rapport_routing::domain::{Code, Impact, Priority, Severity, TicketState, Urgency};

/// What the log calls the state of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    New,
    Active,
    AwaitingUserInfo,
    AwaitingVendor,
    AwaitingProblem,
    AwaitingEvidence,
    Resolved,
    Closed,
}

impl Says {
    pub(super) const ALL: &[Self] = &[
        Self::New,
        Self::Active,
        Self::AwaitingUserInfo,
        Self::AwaitingVendor,
        Self::AwaitingProblem,
        Self::AwaitingEvidence,
        Self::Resolved,
        Self::Closed,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Active => "Active",
            Self::AwaitingUserInfo => "Awaiting User Info",
            Self::AwaitingVendor => "Awaiting Vendor",
            Self::AwaitingProblem => "Awaiting Problem",
            Self::AwaitingEvidence => "Awaiting Evidence",
            Self::Resolved => "Resolved",
            Self::Closed => "Closed",
        }
    }

    fn named(name: &str) -> Self {
        let found = Self::ALL.iter().find(|state| state.name() == name);
        *found.unwrap_or_else(|| panic!("a state of the log that is none here: {name}"))
    }

    /// The same here. The log takes up again what it called closed; here closed is for good, so that an incident is
    /// closed in its last row and solved until then.
    pub(super) const fn ours(self, is_last: bool) -> (TicketState, Option<WaitingOn>) {
        match self {
            Self::New => (TicketState::New, None),
            Self::Active => (TicketState::Open, None),
            Self::AwaitingUserInfo => (TicketState::Pending, Some(WaitingOn::Customer)),
            Self::AwaitingVendor | Self::AwaitingProblem | Self::AwaitingEvidence => {
                (TicketState::Pending, Some(WaitingOn::ThirdParty))
            }
            Self::Closed if is_last => (TicketState::Closed, None),
            Self::Resolved | Self::Closed => (TicketState::Resolved, None),
        }
    }
}

/// One row of the log.
#[derive(Clone, Debug)]
pub(super) struct Row {
    number: String,
    pub(super) state: Says,
    pub(super) severity: Severity,
    /// What the log says the priority is.
    pub(super) priority: Priority,
    pub(super) group: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) reassignments: u32,
    pub(super) reopenings: u32,
    pub(super) made_sla: String,
    pub(super) category: Option<Code>,
    pub(super) subcategory: Option<Code>,
}

/// The rows of an incident in their order.
pub(super) type Incident = Vec<Row>;

pub(super) fn read(from: impl Read) -> Vec<Incident> {
    let mut rows = csv::Reader::from_reader(from);
    let header = rows.headers().unwrap().clone();
    let columns = |name: &str| -> Vec<usize> {
        let named = header
            .iter()
            .enumerate()
            .filter(|(_, known)| *known == name);
        named.map(|(place, _)| place).collect()
    };
    let column = |name: &str| columns(name)[0];
    let (number, state) = (column("number"), column("ident_state"));
    let (impact, urgency, priority) = (column("impact"), column("urgency"), column("priority"));
    let (group, owner) = (column("assignment_group"), column("assigned_to"));
    let (reassignments, reopenings) = (column("reassignment_count"), column("reopen_count"));
    // The second is what the desk calls the subcategory.
    let (made_sla, categories) = (column("made_sla"), columns("category"));
    let mut incidents: Vec<Incident> = Vec::new();
    for row in rows.records() {
        let row = row.unwrap();
        let known = |place: usize| Some(&row[place]).filter(|text| *text != "?");
        let code = |place: usize| known(place).map(|text| text.parse().unwrap());
        let grade = |place: usize| row[place].parse::<usize>().unwrap() - 1;
        let row = Row {
            number: row[number].to_owned(),
            state: Says::named(&row[state]),
            severity: Severity {
                impact: Impact::ALL[grade(impact)],
                urgency: Urgency::ALL[grade(urgency)],
            },
            priority: Priority::ALL[3 - grade(priority)],
            group: known(group).map(str::to_owned),
            owner: known(owner).map(str::to_owned),
            reassignments: row[reassignments].parse().unwrap(),
            reopenings: row[reopenings].parse().unwrap(),
            made_sla: row[made_sla].to_owned(),
            category: code(categories[0]),
            subcategory: code(categories[1]),
        };
        match incidents.last_mut() {
            Some(incident) if incident[0].number == row.number => incident.push(row),
            _ => incidents.push(vec![row]),
        }
    }
    incidents
}
