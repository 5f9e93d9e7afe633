//! How a task starts the launcher: in a virtual environment of the worker, in a container, in a pod.

use crate::backend::Target;
use crate::error::EmitError;
use crate::py::{Argument, Py};
use mlpc_plan::plan::Step;

/// What a runner needs to know.
pub(super) struct Runner {
    kind: Kind,
    /// The image of each environment; one without a name is that of all.
    images: Vec<(String, String)>,
    namespace: String,
    service_account: Option<String>,
    connection: Option<String>,
    /// The folder of a local store, which containers must see.
    folder: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Venv,
    Docker,
    Kubernetes,
}

/// The function that makes a task, in parts.
pub(super) struct Launch {
    /// Modules and what is imported of them.
    pub imports: Vec<&'static str>,
    /// Assignments before the function.
    pub constants: Vec<(&'static str, Py)>,
    /// `def launch(…) -> …:`.
    pub signature: &'static str,
    /// What it does, in words.
    pub task: &'static str,
    /// Its statements.
    pub body: Vec<String>,
}

impl Runner {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// If there is no image where one is needed.
    pub(super) fn new(target: &Target<'_>) -> Result<Self, EmitError> {
        let setting = |name: &str| target.choice.setting(name).map(str::to_owned);
        let kind = match target.choice.setting("runner") {
            Some("docker") => Kind::Docker,
            Some("kubernetes") => Kind::Kubernetes,
            _ => Kind::Venv,
        };
        let images = images(target.choice.setting("image").unwrap_or_default());
        let folder = target.choice.setting("store").and_then(|store| store.strip_prefix("file://")).map(str::to_owned);
        let runner = Self {
            kind,
            images,
            namespace: setting("namespace").unwrap_or_default(),
            service_account: setting("service_account"),
            connection: setting("connection"),
            folder,
        };
        let environments = target.plans().flat_map(|(_, plan)| plan.steps.iter().map(|step| &step.environment));
        match environments.into_iter().find(|name| kind != Kind::Venv && runner.image(name).is_none()) {
            Some(name) => Err(EmitError::Setting(format!(
                "airflow runs steps in images, and `image` of `target.airflow` names none for the environment `{name}`"
            ))),
            None => Ok(runner),
        }
    }

    fn image(&self, environment: &str) -> Option<&str> {
        let of = |wanted: &str| self.images.iter().find(|(name, _)| name == wanted).map(|(_, image)| image.as_str());
        of(environment).or_else(|| of(""))
    }

    /// The function.
    pub(super) fn launch(&self, environment: &str) -> Launch {
        match self.kind {
            Kind::Venv => venv(environment),
            Kind::Docker => self.docker(environment),
            Kind::Kubernetes => self.kubernetes(environment),
        }
    }

    /// What it is told of a step besides its name, where that differs from its defaults for the environment `usual`.
    pub(super) fn arguments(&self, step: &Step, usual: &str) -> Vec<Argument> {
        let mut arguments = Vec::new();
        if self.kind == Kind::Venv {
            if step.environment != usual {
                arguments.push(Argument::keyword("environment", Py::string(&step.environment)));
            }
            return arguments;
        }
        let image = self.image(&step.environment);
        if image != self.image(usual) {
            arguments.push(Argument::keyword("image", Py::string(image.unwrap_or_default())));
        }
        if step.resources.cpu > 1 {
            arguments.push(Argument::keyword("cpu", Py::integer(i64::from(step.resources.cpu))));
        }
        if let Some(memory) = step.resources.memory {
            arguments.push(Argument::keyword("memory", Py::Number(memory.to_string())));
        }
        arguments
    }

    fn docker(&self, environment: &str) -> Launch {
        let mut imports = vec!["from airflow.providers.docker.operators.docker import DockerOperator"];
        let mut options = String::new();
        let mut constants = vec![("IMAGE", Py::string(self.image(environment).unwrap_or_default()))];
        if let Some(connection) = &self.connection {
            constants.push(("CONNECTION", Py::string(connection)));
            options += "docker_conn_id=CONNECTION,";
        }
        if let Some(folder) = &self.folder {
            constants.push(("FOLDER", Py::string(folder)));
            imports.push("from docker.types import Mount");
            options += "mounts=[Mount(source=FOLDER, target=FOLDER, type=\"bind\")],";
        }
        Launch {
            imports,
            constants,
            signature: "def launch(action: str, image: str = IMAGE, cpu: int = 1, memory: int | None = None, **settings: Any) -> DockerOperator:",
            task: "Start the launcher in a container; the last word is the task's name, exit code 3 a gate's no.",
            body: vec![format!(
                "return DockerOperator(task_id=action.split()[-1], image=image, entrypoint=[\"python\", \"-m\", \
                 \"mlp_runtime.launch\"], command=[*action.split(), \"--plan\", PLAN, \"--run\", \"{{{{ run_id }}}}\", \
                 \"--store\", STORE], cpus=cpu, mem_limit=memory, {options}mount_tmp_dir=False, \
                 auto_remove=\"force\", skip_on_exit_code=3, do_xcom_push=False, **settings)"
            )],
        }
    }

    fn kubernetes(&self, environment: &str) -> Launch {
        let mut options = String::new();
        let mut constants = vec![
            ("IMAGE", Py::string(self.image(environment).unwrap_or_default())),
            ("NAMESPACE", Py::string(&self.namespace)),
        ];
        if let Some(account) = &self.service_account {
            constants.push(("SERVICE_ACCOUNT", Py::string(account)));
            options += "service_account_name=SERVICE_ACCOUNT,";
        }
        if let Some(connection) = &self.connection {
            constants.push(("CONNECTION", Py::string(connection)));
            options += "kubernetes_conn_id=CONNECTION,";
        }
        Launch {
            imports: vec![
                "from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator",
                "from kubernetes.client import models as k8s",
            ],
            constants,
            signature: "def launch(action: str, image: str = IMAGE, cpu: int = 1, memory: int | None = None, **settings: Any) -> KubernetesPodOperator:",
            task: "Start the launcher in a pod; the last word is the task's name, exit code 3 a gate's no.",
            body: vec![
                "limits: dict[str, str] = {}".to_owned(),
                "if memory is not None:".to_owned(),
                "    limits[\"memory\"] = str(memory)".to_owned(),
                format!(
                    "return KubernetesPodOperator(task_id=action.split()[-1], namespace=NAMESPACE, image=image, \
                     cmds=[\"python\", \"-m\", \"mlp_runtime.launch\"], arguments=[*action.split(), \"--plan\", PLAN, \
                     \"--run\", \"{{{{ run_id }}}}\", \"--store\", STORE], \
                     container_resources=k8s.V1ResourceRequirements(requests={{\"cpu\": str(cpu), **limits}}, \
                     limits=limits), {options}skip_on_exit_code=3, **settings)"
                ),
            ],
        }
    }
}

fn venv(environment: &str) -> Launch {
    Launch {
        imports: vec!["from airflow.providers.standard.operators.bash import BashOperator"],
        constants: vec![
            ("BUILD", Py::name("Path(__file__).resolve().parents[1]")),
            ("ENVIRONMENT", Py::string(environment)),
        ],
        signature: "def launch(action: str, environment: str = ENVIRONMENT, **settings: Any) -> BashOperator:",
        task: "Start the launcher in an environment; the last word is the task's name, exit code 3 a gate's no.",
        body: vec![
            "command = f\"python3 -m mlp_runtime.environment {environment} -m mlp_runtime.launch {action}\"".to_owned(),
            "return BashOperator(task_id=action.split()[-1], bash_command=f'exec {command} --plan {PLAN} --run \
             \"$AIRFLOW_CTX_DAG_RUN_ID\" --store \"$MLP_STORE\"', env={\"MLP_STORE\": STORE}, append_env=True, \
             cwd=str(BUILD), skip_on_exit_code=3, do_xcom_push=False, **settings)"
                .to_owned(),
        ],
    }
}

/// `image`, or `name=image name=image`; the digest of an image holds no `=`.
fn images(text: &str) -> Vec<(String, String)> {
    let pair = |word: &str| {
        let (name, image) = word.split_once('=').unwrap_or(("", word));
        (name.to_owned(), image.to_owned())
    };
    text.split_whitespace().map(pair).collect()
}
