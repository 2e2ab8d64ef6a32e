//! What follows from an interaction that carries an order: the programmes of the tenant earn by it.

use rapport_foundation::db::Scoped;
use rapport_foundation::events::{self, Outgoing};
use rapport_foundation::id::InteractionId;
use rapport_foundation::money::Amount;
use rapport_foundation::time::Micros;

use super::command::{Ask, Command};
use super::members::{enrol, enrolment};
use super::{Enrol, Shelf, apply};
use crate::Error;
use crate::domain::{CustomerRef, Member, OrderId, Program, the_one_for};
use crate::store::{customers, members, programs};

/// A purchase of a known customer, as the log tells it.
#[derive(Debug, Clone)]
pub(crate) struct Purchase {
    pub(crate) customer: CustomerRef,
    pub(crate) interaction: InteractionId,
    pub(crate) order: OrderId,
    pub(crate) total: Amount,
    pub(crate) traceparent: Option<String>,
}

/// Lets every programme earn by these purchases, in this transaction. An order that has earned earns
/// nothing more; what a programme refuses (another currency, another content) is told in the log of this
/// process and stands in nobody's way.
pub(crate) async fn earn(
    s: &Scoped,
    now: Micros,
    purchases: &[Purchase],
    shelf: &Shelf,
) -> Result<(), Error> {
    if purchases.is_empty() {
        return Ok(());
    }
    let programs = programs::all(s).await?;
    let mut commands = Vec::new();
    let mut enrolments = Vec::new();
    for purchase in purchases {
        let known = known(s, purchase).await?;
        for program in &programs {
            let Some(member) = member(s, now, program, purchase, &known, &mut enrolments).await?
            else {
                continue;
            };
            commands.push(Command {
                ask: Ask::EarnByOrder {
                    member: member.id,
                    order: purchase.order.clone(),
                    total: purchase.total.clone(),
                    interaction: Some(purchase.interaction),
                    reason: None,
                },
                request: None,
                traceparent: purchase.traceparent.clone(),
            });
        }
    }
    events::append_many(s, &enrolments).await?;
    let commands: Vec<&Command> = commands.iter().collect();
    for (outcome, command) in apply(s, now, &commands, shelf)
        .await?
        .into_iter()
        .zip(commands)
    {
        match outcome {
            Ok(_) => {}
            // Something is wrong with the store and not with the order: all of it again.
            Err(Error::Store(error)) => return Err(error.into()),
            Err(error) => tracing::info!(%error, command = ?command.ask, "an order earns nothing"),
        }
    }
    Ok(())
}

async fn known(s: &Scoped, purchase: &Purchase) -> Result<Vec<Member>, Error> {
    let moved = customers::moved(s, [purchase.customer.record]).await?;
    let customer = moved
        .get(&purchase.customer.record)
        .copied()
        .unwrap_or(purchase.customer.customer);
    Ok(members::of_customer(s, customer).await?)
}

/// Who earns in this programme: a member, or the customer who becomes one by the order.
async fn member(
    s: &Scoped,
    now: Micros,
    program: &Program,
    purchase: &Purchase,
    known: &[Member],
    enrolments: &mut Vec<Outgoing>,
) -> Result<Option<Member>, Error> {
    let here: Vec<Member> = known
        .iter()
        .filter(|member| member.program == program.id)
        .cloned()
        .collect();
    if let Some(member) = the_one_for(purchase.customer.record, &here) {
        return Ok(Some(member.clone()));
    }
    // An order that could not earn here anyway makes nobody a member.
    if !program.auto_enrol || program.rule.earns(&purchase.total).is_err() {
        return Ok(None);
    }
    let new = Enrol {
        program: program.id,
        customer: purchase.customer,
    };
    let member = enrol(s, new, now).await?;
    let mut event = enrolment(&member);
    event.traceparent = purchase.traceparent.clone().or(event.traceparent);
    enrolments.push(event);
    Ok(Some(member))
}
