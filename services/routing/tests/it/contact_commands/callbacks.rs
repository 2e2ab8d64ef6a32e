//! Customers who hang up and are called back.

use rapport_foundation::testing::eventually;
use rapport_foundation::time::Clock;
use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::ContactCommandKind as Kind;
use tonic::{Code, Status};

use super::given_back::hand_on;
use super::line::{Line, command};
use super::{House, PBX, hold};
use crate::bad_input::violations;
use crate::bench::{Bench, everywhere, reason, request_id};
use crate::intake::{Contact, tickets};
use crate::restart::stop;

fn asking(item: &pb::WorkItem, attempts: i32) -> pb::RequestCallbackRequest {
    pb::RequestCallbackRequest {
        request_id: request_id(),
        work_item_id: item.id.clone(),
        attempts,
        pause_s: 1,
        interaction_id: String::new(),
    }
}

/// As the connector that holds the call.
async fn ask(bench: &Bench, request: pb::RequestCallbackRequest) -> Result<pb::WorkItem, Status> {
    let request = bench.connector(PBX, request);
    let answer = bench.work_items().request_callback(request).await?;
    Ok(answer.into_inner().work_item.unwrap())
}

/// A call that waits, and its work.
async fn waiting(house: &House) -> (Contact, pb::WorkItem) {
    let contact = house.call().await;
    let ticket = tickets(&house.bench, &contact.of_conversation(), 1)
        .await
        .remove(0);
    let item = house.bench.work_of(&ticket).await.remove(0);
    (contact, item)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_to_be_called_keeps_their_place_also_after_a_restart() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let (contact, item) = waiting(&house).await;
        let request = asking(&item, 2);
        let foreign = house.bench.connector("chat", request.clone());
        let foreign = house.bench.work_items().request_callback(foreign).await;
        assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
        let asked = ask(&house.bench, request.clone()).await.unwrap();
        assert_eq!(asked.callback.unwrap().attempts_left, 2);
        let again = ask(&house.bench, request).await.unwrap();
        assert_eq!(again.etag, asked.etag, "one effect");
        // They hang up; who comes later waits behind them.
        house
            .teller
            .tell(house.bench.tenant, &[contact.ended()])
            .await;
        let (_, later) = waiting(&house).await;
        let House {
            bench,
            teller,
            care,
        } = house;
        let old = stop(bench).await;
        let house = House {
            bench: old.another().await,
            teller,
            care,
        };
        let bench = &house.bench;
        let (ana, mut hers) = house.at_work("ana").await;
        let offer = hers.offer().await;
        assert_eq!(offer.work_item.unwrap().id, item.id, "before {}", later.id);
        bench.accept(&offer.id).await.unwrap();
        let mut line = Line::open(bench, PBX, 5).await;
        let call = line.told(Kind::CallBack).await;
        assert_eq!(command(&call).agent_id, ana.id);
        // They do not answer; after a pause they are called once more, and do.
        line.fails(&call, pb::CommandFault::ContactGone).await;
        let paused = bench.work_item(&item.id).await;
        let callback = paused.callback.unwrap();
        assert_eq!(
            (paused.state(), callback.attempts_left),
            (pb::WorkItemState::Waiting, 1)
        );
        assert!(callback.pause_until_time.is_some());
        let other = hers.offer().await;
        assert_eq!(
            other.work_item.unwrap().id,
            later.id,
            "she takes others meanwhile"
        );
        let (_, mut his) = house.at_work("ben").await;
        let offer = his.offer().await;
        assert_eq!(offer.work_item.unwrap().id, item.id);
        bench.accept(&offer.id).await.unwrap();
        line.does_next(Kind::CallBack).await;
        let reached = bench.work_item(&item.id).await;
        assert!(reached.callback.unwrap().called);
        bench.complete(&reached).await;
        line.does_next(Kind::HangUp).await;
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_never_reached_is_given_up_after_so_many_calls() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (_, item) = waiting(&house).await;
        ask(bench, asking(&item, 1)).await.unwrap();
        let (_, mut hers) = house.at_work("ana").await;
        bench.accept(&hers.offer().await.id).await.unwrap();
        let accepted = ask(bench, asking(&item, 1)).await.unwrap_err();
        assert_eq!(reason(&accepted), "WORK_ACCEPTED");
        let mut line = Line::open(bench, PBX, 5).await;
        let call = line.told(Kind::CallBack).await;
        line.fails(&call, pb::CommandFault::Unspecified).await;
        let given_up = async || {
            let work = bench.work_item(&item.id).await;
            (work.state() == pb::WorkItemState::Abandoned).then_some(())
        };
        eventually("nobody calls them again", given_up).await;
        let plain = bench.queue("plain").await;
        let ticket = bench.ticket(&plain).await;
        let by_hand = bench.work_of(&ticket).await.remove(0);
        let request = bench.agent("ana", asking(&by_hand, 1));
        let silent = bench.work_items().request_callback(request).await;
        assert_eq!(reason(&silent.unwrap_err()), "CONTACT_NOT_COMMANDED");
        let many = ask(bench, asking(&item, 11)).await.unwrap_err();
        assert_eq!(many.code(), Code::InvalidArgument);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_called_is_gone_by_the_end_of_that_call_and_not_by_one_before_it() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (contact, item) = waiting(&house).await;
        ask(bench, asking(&item, 1)).await.unwrap();
        let hung_up = Clock::system().now();
        let (_, mut hers) = house.at_work("ana").await;
        bench.accept(&hers.offer().await.id).await.unwrap();
        let mut line = Line::open(bench, PBX, 5).await;
        line.does_next(Kind::CallBack).await;
        // That they hung up to be called is told late. What comes after it is taken in after it.
        let late = contact.ended_at(hung_up);
        house.teller.tell(bench.tenant, &[late]).await;
        waiting(&house).await;
        let request = bench.agent("ana", hold(&item));
        bench.transfers().hold_work_item(request).await.unwrap();
        line.does_next(Kind::Hold).await;
        house.teller.tell(bench.tenant, &[contact.ended()]).await;
        let over = async || {
            let resume = pb::ResumeWorkItemRequest {
                request_id: request_id(),
                work_item_id: item.id.clone(),
            };
            let resume = bench.agent("ana", resume);
            let refused = bench.transfers().resume_work_item(resume).await.err()?;
            (reason(&refused) == "CONTACT_OVER").then_some(())
        };
        eventually("they hung up again", over).await;
        bench.complete(&item).await;
        let kinds = house.commands_of(&item).await;
        let hung_up = kinds.iter().any(|command| command.kind() == Kind::HangUp);
        assert!(!hung_up, "there is nobody to be hung up");
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_names_the_contact_that_it_holds() {
    everywhere(async |bench: Bench| {
        let house = House::of(bench).await;
        let bench = &house.bench;
        let (contact, item) = waiting(&house).await;
        let of = |contact: &Contact| pb::RequestCallbackRequest {
            work_item_id: String::new(),
            interaction_id: contact.interaction.to_string(),
            ..asking(&item, 2)
        };
        let foreign = bench.connector("chat", of(&contact));
        let foreign = bench.work_items().request_callback(foreign).await;
        assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
        let unknown = ask(bench, of(&Contact::new())).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
        let asked = ask(bench, of(&contact)).await.unwrap();
        assert_eq!(
            (asked.id.as_str(), asked.callback.unwrap().attempts_left),
            (item.id.as_str(), 2)
        );
        let both = pb::RequestCallbackRequest {
            work_item_id: item.id.clone(),
            ..of(&contact)
        };
        let neither = pb::RequestCallbackRequest {
            interaction_id: String::new(),
            ..of(&contact)
        };
        for (request, expected) in [
            (both, "interaction_id EXACTLY_ONE"),
            (neither, "work_item_id REQUIRED"),
        ] {
            let refused = ask(bench, request).await.unwrap_err();
            assert_eq!(violations(&refused), [expected]);
        }
        // What was handed on goes on as other work.
        let (_, mut hers) = house.at_work("ana").await;
        bench.accept(&hers.offer().await.id).await.unwrap();
        let next = hand_on(&house, &item).await;
        let asked = ask(bench, of(&contact)).await.unwrap();
        assert_eq!(asked.id, next.id);
        bench.verified().await;
    })
    .await;
}
