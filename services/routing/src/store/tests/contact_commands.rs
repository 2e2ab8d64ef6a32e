use rapport_foundation::id::{ContactCommandId, InteractionId};

use super::*;
use crate::domain::contact_command::{CommandKind, CommandState, ContactCommand};

/// A command about work, with something in every field.
fn command(work: &WorkItem, next: WorkItemId, expires_at: Micros) -> ContactCommand {
    ContactCommand {
        id: ContactCommandId::new(NOW),
        item: work.id,
        interaction: InteractionId::new(NOW),
        connector: "pbx".into(),
        kind: CommandKind::Transfer,
        agent: Some(AgentId::new(NOW)),
        queue: Some(work.queue),
        desk: Some(AgentId::new(NOW)),
        next: Some(next),
        consult: true,
        state: CommandState::Accepted,
        attempt: 3,
        may_be_done: true,
        stream: Uuid::now_v7(),
        made_at: NOW,
        ready_at: NOW,
        expires_at,
        lease_until: NOW + Duration::from_secs(7),
        ended_at: None,
        reason: "BUSY".into(),
        version: 4,
    }
}

#[tokio::test]
async fn commands_are_read_back_as_they_were_and_with_the_tickets_of_what_they_are_about() {
    everywhere(async |mut desk: Desk| {
        let queue = queue();
        let (ticket, other) = (ticket(&queue, None), ticket(&queue, None));
        let waits = |_: WorkItemId| WorkState::Waiting;
        let (had, goes_on) = (work(&ticket, waits), work(&other, waits));
        let expires_at = NOW + Duration::from_secs(30);
        let open = command(&had, goes_on.id, expires_at);
        let over = ContactCommand {
            state: CommandState::Failed,
            ended_at: Some(NOW),
            stream: Uuid::nil(),
            ..command(&had, goes_on.id, expires_at)
        };
        desk.decide(&Decision {
            queues: vec![queue],
            tickets: vec![ticket.clone(), other.clone()],
            items: vec![had, goes_on],
            commands: vec![open.clone(), over.clone()],
            ..Decision::default()
        })
        .await;
        let (store, tenant) = (&desk.store, desk.tenant);
        for command in [&open, &over] {
            let read = store.contact_command(tenant, command.id).await.unwrap();
            assert_eq!(read.as_ref(), Some(command));
        }
        assert_eq!(
            store.restored(tenant).await.unwrap().commands,
            std::slice::from_ref(&open)
        );
        // By its name, and because it is too late.
        let named = Needs {
            commands: vec![open.id],
            ..Needs::default()
        };
        let late = |now| Needs {
            expired: true,
            now,
            ..Needs::default()
        };
        let tickets = async |needs: &Needs| {
            let loaded = store.load(tenant, needs).await.unwrap();
            (loaded.tickets.len(), loaded.expired_by)
        };
        assert_eq!(tickets(&named).await, (2, Micros::default()));
        assert_eq!(tickets(&late(expires_at)).await, (2, expires_at));
        let before = expires_at - Duration::from_micros(1);
        assert_eq!(tickets(&late(before)).await, (0, before));
    })
    .await;
}
