//! A suite with one tenant, and the binary to be run against it.

use std::path::{Path, PathBuf};
use std::process::Output;

use rapport_foundation::id::TenantId;
use rapport_foundation::time::Clock;
use rapport_proto::access::v1::CreateTenantRequest;
use rapport_proto::access::v1::tenant_service_client::TenantServiceClient;
use rapport_proto::interactions::v1::interaction_service_client::InteractionServiceClient;
use rapport_proto::interactions::v1::{Interaction, ListInteractionsRequest};
use rapport_suite::embed::{Options, Suite, Who};

/// A running suite and a folder for files.
pub(crate) struct Stage {
    pub(crate) suite: Suite,
    pub(crate) tenant: TenantId,
    folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let suite = Suite::start(Options::in_dir(&folder.path().join("data")))
            .await
            .unwrap();
        let tenant = TenantId::new(Clock::system().now());
        let request = CreateTenantRequest {
            request_id: uuid::Uuid::new_v4().to_string(),
            tenant_id: tenant.to_string(),
            display_name: "Test".into(),
            time_zone: String::new(),
            ..CreateTenantRequest::default()
        };
        let operator = suite.client(&Who::operator("operator")).unwrap();
        TenantServiceClient::new(operator)
            .create_tenant(request)
            .await
            .unwrap();
        Stage {
            suite,
            tenant,
            folder,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn connector_token(&self) -> String {
        self.suite
            .token(&Who::connector(self.tenant, "file"))
            .unwrap()
    }

    /// `rapport import interactions FILE --map MAP` with the token of a connector.
    pub(crate) async fn import(&self, file: &Path, map: &Path) -> Output {
        let file = file.to_str().unwrap();
        let map = map.to_str().unwrap();
        let token = self.connector_token();
        let url = self.suite.url();
        rapport(&[
            "import",
            "interactions",
            file,
            "--map",
            map,
            "--gateway",
            &url,
            "--token",
            &token,
        ])
        .await
    }

    pub(crate) async fn interactions(&self) -> Vec<Interaction> {
        let manager = self
            .suite
            .client(&Who::holding(self.tenant, "manager", &["manager"]))
            .unwrap();
        let request = ListInteractionsRequest {
            page_size: 1000,
            ..ListInteractionsRequest::default()
        };
        let answer = InteractionServiceClient::new(manager)
            .list_interactions(request)
            .await
            .unwrap();
        answer.into_inner().interactions
    }
}

/// Runs the binary to its end.
pub(crate) async fn rapport(arguments: &[&str]) -> Output {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_rapport"))
        .args(arguments)
        .env_remove("RAPPORT_CONFIG")
        .env_remove("RAPPORT_TOKEN")
        .env_remove("RAPPORT_GATEWAY")
        // Nobody can be asked.
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
