//! Everything that is held of one customer.

use futures::TryStreamExt as _;
use rapport_foundation::testing::eventually;
use rapport_proto::interactions::v1 as pb;
use tonic::{Code, Status};

use crate::stage::{Stage, at, message, on_every_engine, quick};

async fn export(
    stage: &Stage,
    customer: &str,
    cursor: &str,
) -> Result<Vec<pb::ExportCustomerResponse>, Status> {
    let asked = pb::ExportCustomerRequest {
        customer_id: customer.into(),
        cursor: cursor.into(),
    };
    let answer = stage.privacy().export_customer(stage.asks(asked)).await?;
    answer.into_inner().try_collect().await
}

/// What a piece is.
fn name(piece: &pb::ExportCustomerResponse) -> String {
    let held = [
        piece
            .interaction
            .as_ref()
            .map(|one| one.input.as_ref().unwrap().external_id.clone()),
        piece
            .fact
            .as_ref()
            .map(|one| one.input.as_ref().unwrap().key.clone()),
        piece.conflict.as_ref().map(|_| "conflict".to_owned()),
        piece
            .conversation
            .as_ref()
            .map(|_| "conversation".to_owned()),
        piece.change.as_ref().map(|_| "change".to_owned()),
    ];
    let held: Vec<String> = held.into_iter().flatten().collect();
    assert_eq!(held.len(), 1);
    held.concat()
}

#[tokio::test]
async fn everything_of_a_customer_is_told_and_can_be_resumed_behind_every_cursor() {
    on_every_engine(quick(), async |stage| {
        for n in 0..70 {
            let mut input = message(&format!("m-{n}"), "+62811", "halo");
            input.event_time = Some(at(1_700_000_000 + n));
            input.raw_payload = b"payload".to_vec().into();
            input.thread_key = format!("thread-{}", n % 2);
            stage.log(input).await;
        }
        stage.log(message("others", "+62822", "halo")).await;
        for key in ["f-1", "f-2"] {
            let fact = pb::FactInput {
                external_id: "m-69".into(),
                key: key.into(),
                event_time: Some(at(1_700_000_100)),
                fact: Some(pb::fact_input::Fact::Edit(pb::Edit {
                    parts: message("", "", "edited").parts,
                })),
                ..Default::default()
            };
            let asked = pb::RecordFactRequest { fact: Some(fact) };
            stage.facts().record_fact(stage.says(asked)).await.unwrap();
        }
        stage
            .record(message("m-69", "+62811", "other"))
            .await
            .unwrap_err();
        let customer = stage.fake.customer(stage.tenant, "+62811").customer_id;
        let all = eventually("everything is linked", async || {
            let all = export(&stage, &customer, "").await.unwrap();
            (all.len() == 75).then_some(all)
        })
        .await;
        let names: Vec<String> = all.iter().map(name).collect();
        assert_eq!(names[..5], ["m-69", "f-1", "f-2", "conflict", "m-68"]);
        assert_eq!(names[72..], ["m-0", "conversation", "conversation"]);
        let one = all[4].interaction.as_ref().unwrap().input.as_ref().unwrap();
        assert_eq!(one.raw_payload, b"payload".as_slice());
        assert!(all[0].cursor.is_empty() && !all[3].cursor.is_empty());
        // Behind every cursor comes what came behind it.
        for (place, piece) in all
            .iter()
            .enumerate()
            .step_by(9)
            .filter(|(_, piece)| !piece.cursor.is_empty())
        {
            let rest = export(&stage, &customer, &piece.cursor).await.unwrap();
            assert_eq!(
                rest.iter().map(name).collect::<Vec<_>>(),
                names[place + 1..]
            );
        }
        let wrong = export(&stage, &customer, "x").await.unwrap_err();
        assert_eq!(wrong.code(), Code::InvalidArgument);
        let asked = pb::ExportCustomerRequest {
            customer_id: customer,
            cursor: String::new(),
        };
        let stranger = stage.privacy().export_customer(stage.stranger(asked)).await;
        assert_eq!(stranger.err().unwrap().code(), Code::NotFound);
    })
    .await;
}
