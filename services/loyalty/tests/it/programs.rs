use rapport_proto::loyalty::v1 as pb;
use tonic::Code;

use crate::floor::{Floor, customer, on_every_engine, plain_program, refusal, rid, violations};

async fn create(
    f: &Floor,
    request_id: &str,
    program: &pb::Program,
) -> Result<pb::Program, tonic::Status> {
    let request = pb::CreateProgramRequest {
        request_id: request_id.to_owned(),
        program: Some(program.clone()),
    };
    let done = f.programs().create_program(f.ask(request)).await?;
    Ok(done.into_inner().program.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_programme_reads_back_as_it_was_made() {
    on_every_engine(async |f| {
        let mut wanted = plain_program();
        wanted.validity_days = 365;
        wanted.activation_delay_s = 3_600;
        wanted.hold_timeout_s = 60;
        wanted.auto_enrol = true;
        let made = create(&f, &rid(), &wanted).await.unwrap();
        let request = pb::GetProgramRequest {
            program_id: made.id.clone(),
        };
        let read = f
            .programs()
            .get_program(f.ask(request))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(read.program.as_ref(), Some(&made));
        wanted.id.clone_from(&made.id);
        wanted.create_time = made.create_time;
        wanted.update_time = made.update_time;
        wanted.etag = "\"1\"".into();
        assert_eq!(made, wanted);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_taken_once_and_a_repetition_is_answered_alike() {
    on_every_engine(async |f| {
        let (id, program) = (rid(), plain_program());
        let made = create(&f, &id, &program).await.unwrap();
        assert_eq!(create(&f, &id, &program).await.unwrap(), made);
        let other = pb::Program {
            display_name: "Other".into(),
            ..program.clone()
        };
        let reused = (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned());
        assert_eq!(refusal(create(&f, &id, &other).await), reused);
        let taken = (Code::AlreadyExists, "PROGRAM_CODE_TAKEN".to_owned());
        assert_eq!(refusal(create(&f, &rid(), &program).await), taken);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_violation_of_a_programme_is_told_at_once() {
    on_every_engine(async |f| {
        let bad = pb::Program {
            id: "prg_x".into(),
            code: "Not A Code".into(),
            point_code: "p".into(),
            point_exponent: 7,
            validity_days: -1,
            hold_timeout_s: 2_592_001,
            earn_rule: Some(pb::EarnRule {
                currency_code: "EUR".into(),
                per: 0,
                points: -1,
                ..pb::EarnRule::default()
            }),
            etag: "\"1\"".into(),
            ..plain_program()
        };
        let seen = violations(create(&f, "x", &bad).await);
        let fields: Vec<&str> = seen.iter().map(|(field, _)| field.as_str()).collect();
        let mut fields = fields;
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "program.code",
                "program.earn_rule.per",
                "program.earn_rule.points",
                "program.etag",
                "program.hold_timeout_s",
                "program.id",
                "program.point_code",
                "program.point_exponent",
                "program.validity_days",
                "request_id",
            ]
        );
        let none = pb::CreateProgramRequest {
            request_id: rid(),
            program: None,
        };
        let seen = violations(f.programs().create_program(f.ask(none)).await);
        assert!(seen.contains(&("program".into(), "REQUIRED".into())));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_go_from_new_to_old_in_pages_that_belong_to_their_query() {
    on_every_engine(async |f| {
        let mut made = Vec::new();
        for _ in 0..5 {
            made.push(f.program(|_| {}).await.id);
        }
        made.reverse();
        let list = async |page_size: i32, page_token: String| {
            let request = pb::ListProgramsRequest {
                page_size,
                page_token,
            };
            f.programs()
                .list_programs(f.ask(request))
                .await
                .map(tonic::Response::into_inner)
        };
        let first = list(3, String::new()).await.unwrap();
        let second = list(3, first.next_page_token.clone()).await.unwrap();
        assert_eq!(second.next_page_token, "");
        let all = first.programs.iter().chain(&second.programs);
        assert_eq!(
            all.map(|program| program.id.clone()).collect::<Vec<_>>(),
            made
        );

        let foreign = pb::ListMembersRequest {
            page_token: first.next_page_token,
            ..pb::ListMembersRequest::default()
        };
        let seen = refusal(f.programs().list_members(f.ask(foreign)).await);
        assert_eq!(
            seen,
            (Code::InvalidArgument, "PAGE_TOKEN_FOREIGN".to_owned())
        );
        assert_eq!(
            list(-1, String::new()).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_a_member_of_a_programme_once() {
    on_every_engine(async |f| {
        let (one, two) = (f.program(|_| {}).await, f.program(|_| {}).await);
        let who = customer();
        let member = f.enrol(&one, who.clone()).await.unwrap();
        assert_eq!(member.customer.as_ref(), Some(&who));
        let again = f.enrol(&one, who.clone()).await;
        assert_eq!(
            refusal(again),
            (Code::AlreadyExists, "MEMBER_EXISTS".to_owned())
        );
        let elsewhere = f.enrol(&two, who.clone()).await.unwrap();

        let id = pb::GetMemberRequest {
            member_id: member.id.clone(),
        };
        let read = f
            .programs()
            .get_member(f.ask(id))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(read.member, Some(member.clone()));
        let list = async |program_id: &str, customer_id: &str| {
            let request = pb::ListMembersRequest {
                program_id: program_id.into(),
                customer_id: customer_id.into(),
                ..pb::ListMembersRequest::default()
            };
            let page = f
                .programs()
                .list_members(f.ask(request))
                .await
                .unwrap()
                .into_inner();
            page.members
                .into_iter()
                .map(|member| member.id)
                .collect::<Vec<_>>()
        };
        let both = [elsewhere.id.clone(), member.id.clone()];
        assert_eq!(list("", &who.customer_id).await, both);
        assert_eq!(list(&one.id, "").await, std::slice::from_ref(&member.id));
        assert_eq!(list(&two.id, &who.customer_id).await, [elsewhere.id]);
        assert!(list("", &customer().customer_id).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_enrolments_at_once_make_one_member() {
    on_every_engine(async |f| {
        let program = f.program(|_| {}).await;
        let who = customer();
        let calls = (0..20).map(|_| f.enrol(&program, who.clone()));
        let answers = futures::future::join_all(calls).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.into_iter().filter(Result::is_err) {
            assert_eq!(
                refusal(refused),
                (Code::AlreadyExists, "MEMBER_EXISTS".to_owned())
            );
        }
        f.check().await;
    })
    .await;
}
