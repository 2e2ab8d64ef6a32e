//! What nobody needs is removed, what somebody needs is not, and what was erased cannot be read.

use std::time::Duration;

use rapport_foundation::db::Error;
use rapport_foundation::id::MediaId;
use rapport_foundation::testing::eventually;
use rapport_foundation::time::{Clock, Micros};
use rapport_interactions::Config;
use rapport_proto::interactions::v1 as pb;
use tonic::Code;
use uuid::Uuid;

use super::{MIB, Uploads as _, append, begin, content, uploaded};
use crate::stage::{Stage, at_clock, on_every_engine, quick, refused};

const HOUR: Duration = Duration::from_secs(3600);

fn busy() -> Config {
    let mut config = quick();
    config.media.sweep_every_ms = 10;
    config
}

fn clock() -> Clock {
    Clock::manual(Micros::from_secs(1_800_000_000))
}

impl Stage {
    /// Waits until so many contacts are known to name a file, and nobody else holds its key.
    pub(super) async fn holders(&self, media: &str, wanted: i64) {
        let id: MediaId = media.parse().unwrap();
        eventually("so many hold the file", async || {
            let sql = "select m.uses, (select count(*) from media_key k where k.tenant_id = m.tenant_id \
                       and k.media_id = m.id) as held from media m where m.tenant_id = $1 and m.id = $2";
            let read: Result<Option<(i64, i64)>, Error> = self
                .t
                .env
                .db
                .read(self.tenant, async |s| {
                    let row = s.raw_one(sql, [id.uuid().into()]).await?;
                    row.map(|row| Ok((row.try_get("", "uses")?, row.try_get("", "held")?)))
                        .transpose()
                })
                .await;
            (read.unwrap() == Some((wanted, wanted))).then_some(())
        })
        .await;
    }

    /// Bytes that count against the tenant's room.
    async fn room(&self) -> i64 {
        let sql = "select bytes from media_usage where tenant_id = $1";
        let read: Result<i64, Error> = self
            .t
            .env
            .db
            .read(self.tenant, async |s| match s.raw_one(sql, []).await? {
                Some(row) => Ok(row.try_get("", "bytes")?),
                None => Ok(0),
            })
            .await;
        read.unwrap()
    }

    async fn destroy_keys_but(&self, kept: &[String]) {
        let destroyed: Result<(), Error> = self
            .t
            .env
            .db
            .write(self.tenant, async |s| {
                let sql =
                    "select subject from subject_keys where tenant_id = $1 and subject <> 'media'";
                for row in s.raw_all(sql, []).await? {
                    let subject: String = row.try_get("", "subject")?;
                    if !kept.contains(&subject) {
                        self.t.env.vault.destroy(&s, &subject).await?;
                    }
                }
                Ok(())
            })
            .await;
        destroyed.unwrap();
    }

    async fn subjects(&self) -> Vec<String> {
        let read: Result<Vec<String>, Error> = self
            .t
            .env
            .db
            .read(self.tenant, async |s| {
                let sql = "select subject from subject_keys where tenant_id = $1";
                let rows = s.raw_all(sql, []).await?;
                rows.iter()
                    .map(|row| Ok(row.try_get("", "subject")?))
                    .collect()
            })
            .await;
        read.unwrap()
    }
}

#[tokio::test]
async fn what_no_contact_names_and_what_was_given_up_is_removed() {
    let clock = clock();
    at_clock(clock.clone(), busy(), async |stage| {
        let named = uploaded(&stage, b"named").await;
        stage.names("m-1", "+62811", &[&named.id]).await.unwrap();
        let orphan = uploaded(&stage, b"orphan").await;
        let bytes = content(MIB);
        let begun = stage.media().begin_upload(stage.says(begin(&bytes))).await;
        let given_up = begun.unwrap().into_inner().media_id;
        let half = append(&given_up, 0, &bytes[..MIB / 2]);
        stage.media().append_upload(stage.says(half)).await.unwrap();
        assert_eq!(stage.objects().len(), 3);
        assert_eq!(stage.room().await, 5 + 6 + 1_048_576);

        clock.advance(HOUR * 25);
        eventually("the unfinished upload is removed", async || {
            (stage.objects().len() == 2 && stage.room().await == 11).then_some(())
        })
        .await;
        refused(stage.upload(&given_up).await, Code::NotFound, "NOT_FOUND");
        assert_eq!(stage.download(&orphan.id, 0, 0).await, b"orphan");

        clock.advance(HOUR * 48);
        eventually("the file that no contact names is removed", async || {
            (stage.objects().len() == 1 && stage.room().await == 5).then_some(())
        })
        .await;
        refused(stage.found(&orphan.id).await, Code::NotFound, "NOT_FOUND");
        let late = stage.names("m-2", "+62811", &[&orphan.id]).await;
        refused(late, Code::FailedPrecondition, "MEDIA_NOT_READY");
        clock.advance(HOUR * 10_000);
        assert_eq!(stage.download(&named.id, 0, 0).await, b"named");
    })
    .await;
}

#[tokio::test]
async fn objects_whose_writer_died_are_removed_and_the_upload_goes_on() {
    let clock = clock();
    at_clock(clock.clone(), busy(), async |stage| {
        let begun = stage.media().begin_upload(stage.says(begin(b"halo"))).await;
        let id = begun.unwrap().into_inner().media_id;
        // As after a kill between storing the object and taking it into its file.
        let (media, attempt) = (id.parse::<MediaId>().unwrap(), Uuid::now_v7());
        let folder = stage.config.media.folder.join(stage.tenant.to_string()).join(&id);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{:016x}-{}", 0, attempt.simple())), b"torn").unwrap();
        let sql = "insert into media_piece (tenant_id, media_id, start, attempt, length, durable, begun_at) \
                   values ($1, $2, 0, $3, 4, 0, $4)";
        let now = clock.now().0;
        let noted: Result<u64, Error> = stage
            .t
            .env
            .db
            .write(stage.tenant, async |s| {
                let values = [media.uuid().into(), attempt.into(), now.into()];
                s.raw_exec(sql, values).await
            })
            .await;
        noted.unwrap();
        assert_eq!(stage.upload(&id).await.unwrap().received_bytes, 0);
        let bytes = stage.says(append(&id, 0, b"halo"));
        stage.media().append_upload(bytes).await.unwrap();
        stage.finish(&id).await.unwrap();
        assert_eq!(stage.objects().len(), 2);
        clock.advance(HOUR * 2);
        eventually("what the dead writer left is removed", async || {
            (stage.objects().len() == 1).then_some(())
        })
        .await;
        assert_eq!(stage.download(&id, 0, 0).await, b"halo");
    })
    .await;
}

#[tokio::test]
async fn an_object_that_was_changed_moved_cut_or_lost_is_noticed() {
    on_every_engine(quick(), async |stage| {
        let media = uploaded(&stage, &content(MIB)).await;
        let path = stage.objects().remove(0);
        let stored = std::fs::read(&path).unwrap();
        let frame = 64 * 1024 + 28;
        let mut swapped = stored.clone();
        swapped[..2 * frame].rotate_left(frame);
        let mut flipped = stored.clone();
        flipped[frame + 100] ^= 1;
        for damaged in [&swapped, &flipped, &stored[..frame + 50].to_vec()] {
            std::fs::write(&path, damaged).unwrap();
            let read = stage.try_download(&media.id, 0, 0).await;
            assert_eq!(read.unwrap_err().code(), Code::DataLoss);
        }
        std::fs::write(&path, &stored).unwrap();
        assert!(stage.try_download(&media.id, 0, 0).await.is_ok());
        std::fs::remove_file(&path).unwrap();
        refused(
            stage.try_download(&media.id, 0, 0).await,
            Code::DataLoss,
            "MEDIA_LOST",
        );
    })
    .await;
}

#[tokio::test]
async fn erasing_everybody_a_file_is_about_erases_it() {
    on_every_engine(busy(), async |stage| {
        let shared = uploaded(&stage, b"shared").await;
        let own = uploaded(&stage, b"own").await;
        stage
            .names("m-1", "+62811", &[&shared.id, &own.id, &own.id])
            .await
            .unwrap();
        let first = stage.subjects().await;
        stage.names("m-2", "+62822", &[&shared.id]).await.unwrap();
        stage.holders(&shared.id, 2).await;
        stage.holders(&own.id, 1).await;
        let second: Vec<String> = stage.subjects().await;
        let second: Vec<String> = second
            .into_iter()
            .filter(|one| !first.contains(one))
            .collect();

        stage.destroy_keys_but(&second).await;
        refused(stage.found(&own.id).await, Code::NotFound, "NOT_FOUND");
        assert_eq!(stage.download(&shared.id, 0, 0).await, b"shared");
        // Somebody with the same identifier comes again, and gets another key.
        stage.names("m-3", "+62811", &[]).await.unwrap();
        eventually("the bytes are removed", async || {
            (stage.objects().len() == 1 && stage.room().await == 6).then_some(())
        })
        .await;
        stage.holders(&shared.id, 1).await;
        refused(stage.found(&own.id).await, Code::NotFound, "NOT_FOUND");
        let again = stage.names("m-4", "+62811", &[&own.id]).await;
        refused(again, Code::FailedPrecondition, "MEDIA_NOT_READY");

        stage.destroy_keys_but(&[]).await;
        eventually("nothing is left", async || {
            (stage.objects().is_empty() && stage.room().await == 0).then_some(())
        })
        .await;
        let download = pb::DownloadMediaRequest {
            media_id: shared.id.clone(),
            ..Default::default()
        };
        let answer = stage.media().download_media(stage.asks(download)).await;
        refused(answer.map(|_| ()), Code::NotFound, "NOT_FOUND");
    })
    .await;
}
