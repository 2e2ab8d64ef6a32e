use rapport_foundation::context::{Claims, Context, PrincipalKind};
use rapport_foundation::testing;
use rapport_proto::loyalty::v1 as pb;
use tonic::{Code, Status};

use crate::floor::{Floor, customer, on_every_engine, points, refusal, rid};

/// Every call that names a resource, as a stranger of another tenant makes it.
async fn every_call(
    f: &Floor,
    ctx: &Context,
    [program, member, hold, entry]: [&str; 4],
) -> Vec<(&'static str, Result<(), Status>)> {
    let (mut programs, mut ledger) = (f.programs(), f.ledger());
    let (program_id, member_id) = (program.to_owned(), member.to_owned());
    let (hold_id, entry_id) = (hold.to_owned(), entry.to_owned());
    let mut answers = Vec::new();
    macro_rules! call {
        ($client:ident.$method:ident, $request:expr) => {
            let answer = $client.$method(f.ask_as(ctx, $request)).await.map(|_| ());
            answers.push((stringify!($method), answer));
        };
    }
    let some = Some(points(1));
    let id = member_id.clone();
    call!(
        programs.get_program,
        pb::GetProgramRequest {
            program_id: program_id.clone()
        }
    );
    let customer = Some(customer());
    let enrol = pb::EnrolMemberRequest {
        request_id: rid(),
        program_id,
        customer,
    };
    call!(programs.enrol_member, enrol);
    call!(
        programs.get_member,
        pb::GetMemberRequest {
            member_id: id.clone()
        }
    );
    let mut earn = pb::EarnPointsRequest {
        request_id: rid(),
        ..Default::default()
    };
    (earn.member_id, earn.points) = (id.clone(), some.clone());
    call!(ledger.earn_points, earn);
    let mut held = pb::HoldPointsRequest {
        request_id: rid(),
        ..Default::default()
    };
    (held.member_id, held.points) = (id.clone(), some);
    call!(ledger.hold_points, held);
    let mut capture = pb::CaptureHoldRequest {
        request_id: rid(),
        ..Default::default()
    };
    capture.hold_id.clone_from(&hold_id);
    call!(ledger.capture_hold, capture);
    let mut void = pb::VoidHoldRequest::default();
    (void.request_id, void.hold_id) = (rid(), hold_id.clone());
    call!(ledger.void_hold, void);
    call!(ledger.get_hold, pb::GetHoldRequest { hold_id });
    let mut reverse = pb::ReverseEntryRequest::default();
    (reverse.request_id, reverse.entry_id) = (rid(), entry_id);
    call!(ledger.reverse_entry, reverse);
    call!(ledger.get_balance, pb::GetBalanceRequest { member_id: id });
    let list = pb::ListEntriesRequest {
        member_id,
        ..Default::default()
    };
    call!(ledger.list_entries, list);
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_resources_are_not_there() {
    on_every_engine(async |f| {
        let program = f.program(|_| {}).await;
        let member = f.enrol(&program, customer()).await.unwrap().id;
        let entry = f.earn(&member, 10).await.unwrap().entry.unwrap().id;
        let hold = f.hold(&member, 4, 0).await.unwrap().hold.unwrap().id;
        let stranger = testing::context(testing::tenant(), &["loyalty.write"]);
        let ids = [program.id.as_str(), &member, &hold, &entry];
        for (call, answer) in every_call(&f, &stranger, ids).await {
            assert_eq!(
                refusal(answer),
                (Code::NotFound, "NOT_FOUND".to_owned()),
                "{call}"
            );
        }
        assert_eq!(f.balance(&member).await, [6, 4, 0, 0]);
        let all = pb::ListMembersRequest::default();
        let listed = f
            .programs()
            .list_members(f.ask_as(&stranger, all))
            .await
            .unwrap();
        assert!(listed.into_inner().members.is_empty());
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_customer_sees_what_is_theirs_and_nothing_else() {
    on_every_engine(async |f| {
        let program = f.program(|_| {}).await;
        let (own, foreign) = (customer(), customer());
        let mine = f.enrol(&program, own.clone()).await.unwrap().id;
        let theirs = f.enrol(&program, foreign).await.unwrap().id;
        let me = Context::from(Claims::new(
            f.tenant,
            own.customer_id,
            PrincipalKind::Customer,
        ));
        let balance = async |member_id: &str| {
            let request = pb::GetBalanceRequest {
                member_id: member_id.to_owned(),
            };
            f.ledger().get_balance(f.ask_as(&me, request)).await
        };
        assert!(balance(&mine).await.is_ok());
        assert_eq!(refusal(balance(&theirs).await).0, Code::NotFound);
        let request = pb::ListEntriesRequest {
            member_id: theirs,
            ..Default::default()
        };
        let listed = f.ledger().list_entries(f.ask_as(&me, request)).await;
        assert_eq!(refusal(listed).0, Code::NotFound);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_context_is_unauthenticated() {
    on_every_engine(async |f| {
        let request = tonic::Request::new(pb::ListProgramsRequest::default());
        let seen = f.programs().list_programs(request).await;
        assert_eq!(refusal(seen).0, Code::Unauthenticated);
    })
    .await;
}
