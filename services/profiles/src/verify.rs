//! What must hold in a database of this service whatever happened to its process.

use std::collections::BTreeSet;

use rapport_foundation::db::Database;
use rapport_foundation::id::CustomerId;
use rapport_foundation::verify::Breach;

use crate::domain::customer::State;
use crate::domain::view::view;
use crate::error::Error;
use crate::store::system::{self, Standings};

/// What was acknowledged is stored: here, customers stand as the edges between their records say.
const STORED: u8 = 1;
/// One effect for a key: here, an identifier is one customer's.
const ONCE: u8 = 2;

/// Checks that each identifier is one customer's, each record belongs to one customer, each merge ends at a
/// customer that stands, and that how customers stand is what the edges between their records say.
///
/// # Errors
/// When the store cannot be read.
pub async fn verify(db: &Database) -> Result<Vec<Breach>, Error> {
    let mut breaches = Vec::new();
    for tenant in system::tenants(db).await? {
        let standings = system::standings(db, tenant).await?;
        let found = breaches_of(&standings).into_iter();
        breaches.extend(found.map(|(invariant, what)| Breach {
            invariant,
            tenant,
            what,
        }));
    }
    Ok(breaches)
}

fn breaches_of(standings: &Standings) -> Vec<(u8, String)> {
    let mut found = Vec::new();
    let counted = [
        (
            standings.doubled,
            "identifiers belong to more than one record",
        ),
        (standings.astray, "identifiers belong to nobody who stands"),
    ];
    let counted = counted.into_iter().filter(|(count, _)| *count > 0);
    found.extend(counted.map(|(count, what)| (ONCE, format!("{count} {what}"))));
    found.extend(misplaced(standings).into_iter().map(|what| (STORED, what)));
    found
}

fn misplaced(standings: &Standings) -> Vec<String> {
    let mut found = Vec::new();
    let mut homes = BTreeSet::new();
    for node in &standings.nodes {
        homes.insert(node.home);
        if !standings.customers.contains_key(&node.home) {
            found.push(format!("{} belongs to no customer", node.record));
        }
    }
    let recomputed = view(&standings.nodes, &standings.edges).part_of;
    for (customer, (state, merged_into, part_of)) in &standings.customers {
        if !homes.contains(customer) {
            found.push(format!("{customer} has no record"));
        }
        if recomputed
            .get(customer)
            .is_some_and(|expected| expected != part_of)
        {
            found.push(format!(
                "{customer} is not part of the customer that its edges say"
            ));
        }
        if (*state == State::Merged) && merged_into.is_none() {
            found.push(format!("{customer} is merged into nothing"));
        }
        if *state == State::Active && (merged_into.is_some() || part_of != customer) {
            found.push(format!(
                "{customer} stands for itself and is part of another"
            ));
        }
        if let Some(what) = strays(*customer, standings) {
            found.push(what);
        }
    }
    found
}

/// Follows the merges of a customer to the one that stands; tells when they lead in a circle or nowhere.
fn strays(customer: CustomerId, standings: &Standings) -> Option<String> {
    let mut seen = BTreeSet::from([customer]);
    let mut at = customer;
    loop {
        let Some((state, merged_into, _)) = standings.customers.get(&at) else {
            return Some(format!(
                "{customer} is merged into a customer that is not there"
            ));
        };
        let Some(into) = merged_into else { break };
        if !seen.insert(*into) {
            return Some(format!("{customer} is merged in a circle"));
        }
        // What was deleted with the customer it is part of keeps saying so.
        if *state == State::Active {
            return None;
        }
        at = *into;
    }
    let state = |of: CustomerId| standings.customers.get(&of).map(|(state, _, _)| *state);
    if state(customer) == Some(State::Merged) && state(at) != Some(State::Active) {
        return Some(format!(
            "{customer} is part of a customer that does not stand"
        ));
    }
    let part_of = standings
        .customers
        .get(&customer)
        .map(|(_, _, part_of)| *part_of);
    (part_of != Some(at))
        .then(|| format!("{customer} is not part of the customer its merges lead to"))
}
