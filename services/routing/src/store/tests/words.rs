use super::*;

#[tokio::test]
async fn a_ticket_outlives_its_words() {
    everywhere(async |mut desk: Desk| {
        let queue = queue();
        let ticket = ticket(&queue, Some(customer()));
        desk.decide(&Decision {
            tickets: vec![ticket.clone()],
            ..Decision::default()
        })
        .await;
        let subject = ticket.customer.unwrap().record.to_string();
        let (vault, subject) = (&desk.t.vault, subject.as_str());
        let destroy =
            |s: rapport_foundation::db::Scoped| async move { vault.destroy(&s, subject).await };
        assert!(desk.t.db.write(desk.tenant, destroy).await.unwrap());
        let read = desk
            .store
            .ticket(desk.tenant, ticket.id)
            .await
            .unwrap()
            .unwrap();
        assert!(read.subject.is_empty() && read.description.is_empty());
        assert_eq!((read.state, read.queue), (ticket.state, ticket.queue));
    })
    .await;
}
