//! The rest of the hour: many contacts on all channels, three agents, no script.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use rapport_proto::types::v1::{Amount, Channel, InteractionKind, Priority, Purpose};
use tonic::Status;

use super::connector::{Contact, email, handle, phone};
use super::scenes::HANDLING;
use super::stage::{CARE, CURRENCY, Stage};
use super::story::{Story, millis, quantile};

/// Contacts that ask for an agent; each sixth of them brings an order and a page visit along.
pub(super) const ASKING: usize = 120;
/// Contacts that ask for nobody.
pub(super) const SILENT: usize = ASKING / 6 * 2;
/// What an order of the rush costs.
const ORDER_UNITS: i64 = 40_000;
/// Points that all orders of the rush earn.
pub(super) const POINTS: i64 = 20 * ORDER_UNITS / 1_000;
/// How often somebody turns to us; half a minute becomes this.
const EVERY: Duration = Duration::from_millis(20);

/// Plays it, and answers how many contacts were sent.
pub(super) async fn play(story: &mut Story, stage: &Stage) -> Result<usize, Status> {
    story.chapter(&format!(
        "The rest of the hour: {} contacts, {} agents",
        ASKING + SILENT,
        stage.agents()
    ));
    let mut desks = Vec::new();
    for number in 1..=stage.agents() {
        desks.push(stage.seat(number).await?);
    }
    let done = AtomicUsize::new(0);
    let began = Instant::now();
    let work = futures::future::try_join_all(
        desks
            .iter_mut()
            .map(|desk| desk.work(HANDLING, &done, ASKING)),
    );
    let (offers, sent) = futures::future::try_join(work, send(stage)).await?;

    let handled: Vec<usize> = offers.iter().map(Vec::len).collect();
    let mut waits: Vec<Duration> = offers
        .iter()
        .flatten()
        .filter_map(|(interaction, at)| {
            Some(at.saturating_duration_since(*sent.asking.get(interaction)?))
        })
        .collect();
    story.expect_same("work items handled", waits.len(), ASKING);
    story.tell(format!(
        "by agent: {handled:?}, in {:.1} s",
        began.elapsed().as_secs_f64()
    ));
    story.tell(format!(
        "sent to logged: median {}, 99 of 100 within {}",
        millis(quantile(&mut sent.logging.clone(), 0.5)),
        millis(quantile(&mut sent.logging.clone(), 0.99))
    ));
    story.tell(format!(
        "sent to offered: median {}, 99 of 100 within {}",
        millis(quantile(&mut waits, 0.5)),
        millis(quantile(&mut waits, 0.99))
    ));
    Ok(sent.logging.len())
}

/// What was sent, and how long each took to be durable.
#[derive(Default)]
struct Sent {
    /// When those contacts were sent that ask for an agent, by interaction.
    asking: HashMap<String, Instant>,
    logging: Vec<Duration>,
}

async fn send(stage: &Stage) -> Result<Sent, Status> {
    let mut sent = Sent::default();
    let mut ticks = tokio::time::interval(EVERY);
    for number in 0..ASKING {
        ticks.tick().await;
        let (connector, contact) = asking(number);
        let logged = stage.connector(connector)?.record(contact).await?;
        sent.logging.push(logged.took);
        sent.asking.insert(logged.interaction.id, logged.sent);
        if number % 6 == 0 {
            for (connector, contact) in silent(number) {
                sent.logging
                    .push(stage.connector(connector)?.record(contact).await?.took);
            }
        }
    }
    Ok(sent)
}

/// Who asks: each once. Whoever asks again while their matter is open joins it, and how many matters there were would
/// tell how fast the machine is.
fn customer(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(0) + 40
}

fn asking(number: usize) -> (&'static str, Contact) {
    let customer = customer(number);
    let id = format!("rush-{number}");
    let (connector, contact) = match number % 4 {
        0 => {
            let message = Contact::message(id, Channel::Messaging, Purpose::Enquiry);
            (
                "whatsapp",
                message.by(vec![handle("whatsapp", customer), phone(customer)]),
            )
        }
        1 => ("telephony", Contact::call(id).by(vec![phone(customer)])),
        2 => {
            let mail = Contact::message(id, Channel::Email, Purpose::Support);
            ("mail", mail.by(vec![email(customer), phone(customer)]))
        }
        _ => {
            let chat =
                Contact::message(id, Channel::Chat, Purpose::Return).kind(InteractionKind::Chat);
            (
                "chat",
                chat.by(vec![handle("chat", customer), email(customer)]),
            )
        }
    };
    let minutes = u64::try_from(number / 2).unwrap_or(0);
    let ago = Duration::from_secs(60 * 60_u64.saturating_sub(minutes));
    (
        connector,
        contact.queue(CARE, Priority::Unspecified).ago(ago),
    )
}

/// A purchase and a page visit: nobody has to answer them.
fn silent(number: usize) -> [(&'static str, Contact); 2] {
    let customer = customer(number);
    let total = Amount {
        units: ORDER_UNITS,
        code: CURRENCY.into(),
        exponent: 0,
    };
    let order = Contact::order(format!("web-order-{number}"), Channel::Web, total);
    let visit = Contact::message(
        format!("visit-{number}"),
        Channel::Web,
        Purpose::Unspecified,
    )
    .kind(InteractionKind::Visit);
    [
        ("store", order.by(vec![phone(customer)])),
        ("web", visit.by(vec![email(customer)])),
    ]
}
