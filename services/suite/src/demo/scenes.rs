//! What happens in the hour, one scene after the other. Each is told from what the suite answered.

use std::time::Duration;

use rapport_proto::interactions::v1 as interactions;
use rapport_proto::loyalty::v1 as loyalty;
use rapport_proto::routing::v1 as routing;
use rapport_proto::types::v1::{Amount, Channel, InteractionKind, Priority, Purpose};
use tonic::Status;

use super::ask::Asking;
use super::connector::{Contact, Logged, email, handle, phone};
use super::desk::{Desk, Offered};
use super::stage::{BILLING, CARE, CURRENCY, Stage};
use super::story::{Story, millis};
use super::wait::until;

/// The customer who comes back.
const RETURNING: u32 = 1;

/// A message arrives, is offered, taken and solved. Answers who the customer turned out to be.
pub(super) async fn message(story: &mut Story, stage: &Stage) -> Result<String, Status> {
    story.chapter("A customer asks something on WhatsApp");
    let mut desk = stage.seat(2).await?;
    let contact = Contact::message("wamid.1", Channel::Messaging, Purpose::Enquiry)
        .by(vec![handle("whatsapp", RETURNING), phone(RETURNING)])
        .text("Is the shop open on Sunday?");
    let logged = stage.connector("whatsapp")?.record(contact).await?;
    story.tell(format!("logged durably in {}", millis(logged.took)));
    let offered = take(story, &mut desk, &logged).await?;
    let customer = offered
        .offer
        .customer
        .clone()
        .unwrap_or_default()
        .customer_id;
    story.expect(!customer.is_empty(), format!("somebody new: {customer}"));
    desk.finish(&offered.item()).await?;
    story.tell(format!("{} solves it", desk.name));
    desk.leave().await?;
    Ok(customer)
}

/// The same person calls, from the number WhatsApp knew.
pub(super) async fn return_by_phone(
    story: &mut Story,
    stage: &Stage,
    known: &str,
) -> Result<(), Status> {
    story.chapter("The same customer calls");
    let mut desk = stage.seat(3).await?;
    let call = Contact::call("call-1").by(vec![phone(RETURNING)]);
    let logged = stage.connector("telephony")?.record(call).await?;
    let offered = take(story, &mut desk, &logged).await?;
    let customer = offered
        .offer
        .customer
        .clone()
        .unwrap_or_default()
        .customer_id;
    story.expect(
        customer == known,
        "the agent sees that it is the customer from WhatsApp",
    );
    desk.finish(&offered.item()).await?;
    desk.leave().await
}

/// A purchase in the store moves points once, however often the till says it.
pub(super) async fn order(story: &mut Story, stage: &Stage, customer: &str) -> Result<(), Status> {
    story.chapter("The customer buys something in the store");
    let ask = Asking::of(stage);
    let total = Amount {
        units: 250_000,
        code: CURRENCY.into(),
        exponent: 0,
    };
    let order = Contact::order("till-7-0001", Channel::Store, total).by(vec![phone(RETURNING)]);
    let store = stage.connector("store")?;
    let logged = store.record(order.clone()).await?;
    let member = until("becoming a member", || ask.member(customer)).await?;
    let balance = until("earning", || ask.earned(&member.id)).await?;
    let points = balance.available.unwrap_or_default();
    story.tell(format!(
        "member by the purchase, points there after {}",
        millis(logged.sent.elapsed())
    ));
    story.expect_same("points for 250,000 rupiah", points.units, 250);

    let again = store.record(order).await?;
    story.expect(
        again.duplicate,
        "the till repeats itself: known already, nothing stored twice",
    );
    let balance = ask.balance(&member.id).await?;
    story.expect_same(
        "points after it",
        balance.available.unwrap_or_default().units,
        250,
    );

    let entries = until("the timeline", || async {
        let entries = ask.timeline(customer).await?;
        Ok(Some(entries).filter(|entries| is_told(entries)))
    })
    .await?;
    story.tell(format!(
        "one timeline over all channels, {} entries:",
        entries.len()
    ));
    for entry in entries.iter().rev() {
        story.tell(format!("  {}", line(entry)));
    }
    Ok(())
}

/// A complaint overtakes what came before it.
pub(super) async fn complaint(story: &mut Story, stage: &Stage) -> Result<(), Status> {
    story.chapter("A complaint among ordinary mail");
    let ask = Asking::of(stage);
    let mut desk = stage.seat(1).await?;
    let mail = stage.connector("mail")?;
    let write = |number: u32, purpose: Purpose, priority: Priority| {
        let contact = Contact::message(
            format!("mail-{number}@example.com"),
            Channel::Email,
            purpose,
        )
        .by(vec![email(10 + number)])
        .queue(BILLING, priority);
        mail.record(contact)
    };
    write(1, Purpose::Enquiry, Priority::Normal).await?;
    let first = desk.next_offer().await?;
    let first_item = desk.accept(&first).await?;
    for number in 2..=4 {
        write(number, Purpose::Enquiry, Priority::Normal).await?;
    }
    let complaint = write(5, Purpose::Complaint, Priority::High).await?;
    let billing = stage
        .queues
        .iter()
        .find(|queue| queue.code == BILLING)
        .cloned()
        .unwrap_or_default();
    until("queueing", || async {
        let waiting = ask.waiting(&billing.id).await?;
        Ok((waiting.len() == 4).then_some(()))
    })
    .await?;
    story.tell(format!(
        "{} works on one mail, four wait, the complaint came last",
        desk.name
    ));
    desk.finish(&first_item).await?;
    let mut next = desk.next_offer().await?;
    let overtook = next.item().interaction_id == complaint.interaction.id;
    story.expect(overtook, "the complaint is offered first");
    for left in (0..4).rev() {
        let item = desk.accept(&next).await?;
        desk.finish(&item).await?;
        if left > 0 {
            next = desk.next_offer().await?;
        }
    }
    story.tell("then the others, in the order they came");
    desk.leave().await
}

/// A caller gives up before anybody could answer.
pub(super) async fn hang_up(story: &mut Story, stage: &Stage) -> Result<(), Status> {
    story.chapter("A caller hangs up while waiting");
    let ask = Asking::of(stage);
    let mut desk = stage.seat(1).await?;
    let telephony = stage.connector("telephony")?;
    let call = |id: &str, number: u32| {
        Contact::call(id)
            .by(vec![phone(number)])
            .queue(BILLING, Priority::Normal)
    };
    telephony.record(call("call-2", 21)).await?;
    let busy = desk.next_offer().await?;
    let item = desk.accept(&busy).await?;
    let waiting = telephony.record(call("call-3", 22)).await?;
    let billing = item.queue_id.clone();
    let waiting_item = until("queueing", || async {
        let items = ask.waiting(&billing).await?;
        Ok(items
            .into_iter()
            .find(|item| item.interaction_id == waiting.interaction.id))
    })
    .await?;
    story.tell(format!(
        "{} is on the phone, the second call waits",
        desk.name
    ));
    let gone = std::time::Instant::now();
    telephony.hang_up("call-3").await?;
    let ended = until("the end of the waiting call", || async {
        let item = ask.work_item(&waiting_item.id).await?;
        Ok(Some(item).filter(|item| item.state() != routing::WorkItemState::Waiting))
    })
    .await?;
    let abandoned = ended.state() == routing::WorkItemState::Abandoned;
    story.expect(
        abandoned,
        format!(
            "withdrawn as abandoned {} after the hang-up",
            millis(gone.elapsed())
        ),
    );
    desk.finish(&item).await?;
    desk.leave().await
}

/// An agent leaves with an offer on the desk.
pub(super) async fn leaving_agent(story: &mut Story, stage: &Stage) -> Result<(), Status> {
    story.chapter("An agent leaves with an offer on the desk");
    let mut leaving = stage.seat(2).await?;
    let chat = Contact::message("chat-1", Channel::Chat, Purpose::Support)
        .kind(InteractionKind::Chat)
        .by(vec![handle("chat", 31)])
        .queue(CARE, Priority::Normal);
    stage.connector("chat")?.record(chat).await?;
    let first = leaving.next_offer().await?;
    let mut staying = stage.seat(3).await?;
    story.tell(format!(
        "{} is offered a chat, and the connection breaks",
        leaving.name
    ));
    let left = std::time::Instant::now();
    drop(leaving);
    let second = staying.next_offer().await?;
    let same = second.item().id == first.item().id;
    let after = millis(second.at.saturating_duration_since(left));
    story.expect(
        same,
        format!("the same chat is offered to {} after {after}", staying.name),
    );
    let item = staying.accept(&second).await?;
    staying.finish(&item).await?;
    staying.leave().await
}

async fn take(story: &mut Story, desk: &mut Desk, logged: &Logged) -> Result<Offered, Status> {
    let offered = desk.next_offer().await?;
    let after = offered.at.saturating_duration_since(logged.sent);
    let ours = offered.item().interaction_id == logged.interaction.id;
    story.expect(
        ours,
        format!(
            "offered to {} {} after it was sent",
            desk.name,
            millis(after)
        ),
    );
    desk.accept(&offered).await?;
    Ok(offered)
}

/// Whether the timeline has the three contacts, both solved tickets and the points.
fn is_told(entries: &[interactions::TimelineEntry]) -> bool {
    use interactions::timeline_entry::Entry;
    let count = |fits: fn(&Entry) -> bool| {
        entries
            .iter()
            .filter(|entry| entry.entry.as_ref().is_some_and(fits))
            .count()
    };
    let solved = |entry: &Entry| matches!(entry, Entry::Ticket(ticket) if ticket.change() == interactions::TicketChange::Resolved);
    count(|entry| matches!(entry, Entry::Interaction(_))) == 3
        && count(solved) == 2
        && count(|entry| matches!(entry, Entry::Points(_))) >= 1
}

fn line(entry: &interactions::TimelineEntry) -> String {
    use interactions::timeline_entry::Entry;
    match &entry.entry {
        Some(Entry::Interaction(interaction)) => {
            let input = interaction.input.clone().unwrap_or_default();
            format!(
                "{}: {}",
                short(input.channel().as_str_name(), 1),
                short(input.kind().as_str_name(), 2)
            )
        }
        Some(Entry::Ticket(ticket)) => {
            format!("ticket {}", short(ticket.change().as_str_name(), 2))
        }
        Some(Entry::Points(points)) => {
            let amount = points.points.clone().unwrap_or_default();
            format!(
                "{} {} {}",
                amount.units,
                amount.code,
                short(points.change().as_str_name(), 2)
            )
        }
        None => "nothing".into(),
    }
}

/// `TICKET_CHANGE_RESOLVED` without its first two words, in small letters.
fn short(name: &str, words: usize) -> String {
    let parts: Vec<&str> = name.split('_').skip(words).collect();
    parts.join(" ").to_lowercase()
}

/// How long handling takes in the compressed hour: a minute and a half become this.
pub(super) const HANDLING: Duration = Duration::from_millis(15);

/// The state of a member's points that a scene waits for.
pub(super) fn has_points(balance: &loyalty::Balance) -> bool {
    balance
        .available
        .as_ref()
        .is_some_and(|available| available.units > 0)
}
