//! What Kubernetes is told of each executor: as much of `PlatformSpec` as definitions need.

use indexmap::IndexMap;
use serde::Serialize;

/// The second document of a definition.
#[derive(Debug, Serialize)]
pub struct PlatformSpec {
    /// By platform.
    pub platforms: Platforms,
}

/// The platforms.
#[derive(Debug, Serialize)]
pub struct Platforms {
    /// The only one.
    pub kubernetes: Kubernetes,
}

/// What Kubernetes is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kubernetes {
    /// Of each executor.
    pub deployment_spec: Deployment,
}

/// Executors by their label in the first document.
#[derive(Debug, Serialize)]
pub struct Deployment {
    /// Them.
    pub executors: IndexMap<String, KubernetesExecutor>,
}

/// How the pod of an executor is made.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KubernetesExecutor {
    /// Variables of the environment that come from secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secret_as_env: Vec<SecretAsEnv>,
    /// Secrets as folders, a file for each key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secret_as_volume: Vec<SecretAsVolume>,
    /// Volumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pvc_mount: Vec<PvcMount>,
    /// On which nodes it may run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<NodeSelector>,
    /// Which taints of nodes do not keep it away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// What the pod is marked with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_metadata: Option<PodMetadata>,
    /// With which secrets the image is pulled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secret: Vec<ImagePullSecret>,
    /// When the image is pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<String>,
    /// After how many seconds it is stopped; a 64-bit number, which JSON forms write as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_deadline_seconds: Option<String>,
}

/// Variables that come from one secret.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretAsEnv {
    /// Its name.
    pub secret_name_parameter: Constant,
    /// Which of its keys becomes which variable.
    pub key_to_env: Vec<KeyToEnv>,
}

/// A key of a secret as a variable.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyToEnv {
    /// The key.
    pub secret_key: String,
    /// The variable.
    pub env_var: String,
}

/// A secret as a folder.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretAsVolume {
    /// Its name.
    pub secret_name_parameter: Constant,
    /// Where it is seen.
    pub mount_path: String,
}

/// A taint of nodes that does not keep a pod away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Toleration {
    /// The key of the taint.
    pub key: String,
    /// `Exists`, or `Equal` where a value is named.
    pub operator: &'static str,
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The effect; any, where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

/// A volume.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PvcMount {
    /// The name of the claim.
    pub pvc_name_parameter: Constant,
    /// Where it is seen.
    pub mount_path: String,
}

/// On which nodes a pod may run.
#[derive(Clone, Debug, Serialize)]
pub struct NodeSelector {
    /// All of these.
    pub labels: IndexMap<String, String>,
}

/// What a pod is marked with.
#[derive(Clone, Debug, Serialize)]
pub struct PodMetadata {
    /// Facts for people and tools.
    pub annotations: IndexMap<String, String>,
}

/// With which secret an image is pulled.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImagePullSecret {
    /// Its name.
    pub secret_name_parameter: Constant,
}

/// A value that is said here.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Constant {
    /// It.
    pub runtime_value: RuntimeValue,
}

/// A value.
#[derive(Clone, Debug, Serialize)]
pub struct RuntimeValue {
    /// It.
    pub constant: String,
}

impl Constant {
    /// A text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self { runtime_value: RuntimeValue { constant: text.to_owned() } }
    }
}
