//! How a task starts the launcher: in a virtual environment of the worker, in a container, in a pod.

use super::settings::{DOCKER, KUBERNETES, Secret, Settings};
use crate::fans::Fan;
use crate::py::{Argument, Py, flat};
use mlpc_plan::Plan;
use mlpc_plan::plan::Step;

/// What a runner needs to know.
pub(super) struct Runner<'a> {
    settings: Settings<'a>,
}

/// The class of the tasks, in parts.
pub(super) struct Launch {
    /// Modules and what is imported of them.
    pub imports: Vec<&'static str>,
    /// Assignments before the class.
    pub constants: Vec<(&'static str, Py)>,
    /// The operator that it is.
    pub operator: &'static str,
    /// What it does, in words.
    pub doc: &'static str,
    /// What it is told of a step besides its name.
    pub parameters: String,
    /// The statements that make it.
    pub body: Vec<String>,
}

/// What the launcher is told of a run.
pub(super) struct Given {
    /// The launcher's option.
    option: &'static str,
    /// The constant that holds the template, which Airflow fills in when a task runs.
    constant: &'static str,
    /// The variable of a shell that holds the text.
    variable: &'static str,
    template: &'static str,
}

/// Values of parameters.
const PARAMS: Given =
    Given { option: "--params", constant: "PARAMS", variable: "MLP_PARAMS", template: "{{ params | tojson }}" };
/// The moment for which a run was scheduled; nothing if somebody started it.
const SCHEDULED: Given = Given {
    option: "--scheduled",
    constant: "SCHEDULED",
    variable: "MLP_SCHEDULED",
    template: "{{ dag_run.logical_date.isoformat() if dag_run.run_type in ('scheduled', 'backfill') else '' }}",
};

/// What the launcher is told of the runs of a plan.
pub(super) fn given(plan: &Plan) -> Vec<Given> {
    let params = (!plan.parameters.is_empty()).then_some(PARAMS);
    let scheduled = plan.parameters.values().any(|parameter| parameter.scheduled).then_some(SCHEDULED);
    params.into_iter().chain(scheduled).collect()
}

/// The same as further words of a command.
fn more_words(given: &[Given]) -> String {
    given.iter().map(|given| format!(", \"{}\", {}", given.option, given.constant)).collect()
}

/// What a container is told of a step besides its name.
const OF_CONTAINERS: &str = "action: str = \"step\", image: str = IMAGE, cpu: int = 1, memory: int | None = None";
/// The first words for the launcher in a container.
const WORDS: [&str; 3] = ["words = [action]", "if action == \"step\":", "    words.append(self.step)"];

impl<'a> Runner<'a> {
    /// The one that is set.
    pub(super) fn new(settings: Settings<'a>) -> Self {
        Self { settings }
    }

    /// The class of the tasks.
    pub(super) fn launch(&self, environment: &str, given: &[Given]) -> Launch {
        let mut launch = match self.settings.runner() {
            DOCKER => self.docker(environment, given),
            KUBERNETES => self.kubernetes(environment, given),
            _ => self.venv(environment, given),
        };
        launch.constants.extend(given.iter().map(|given| (given.constant, Py::string(given.template))));
        launch
    }

    /// What it is told of a step besides its name, where that differs from its defaults for the environment `usual`.
    pub(super) fn arguments(&self, step: &Step, fans: &[Fan<'_>], usual: &str) -> Vec<Argument> {
        let mut arguments = Vec::new();
        let mut add = |name: &str, value: Py| arguments.push(Argument::keyword(name, value));
        let runner = self.settings.runner();
        if ![DOCKER, KUBERNETES].contains(&runner) {
            if step.environment != usual {
                add("environment", Py::string(&step.environment));
            }
            return arguments;
        }
        let image = self.settings.image(&step.environment);
        if image != self.settings.image(usual) {
            add("image", Py::string(image.unwrap_or_default()));
        }
        if step.resources.cpu > 1 {
            add("cpu", Py::integer(i64::from(step.resources.cpu)));
        }
        if let Some(memory) = step.resources.memory {
            add("memory", Py::Number(memory.to_string()));
        }
        match self.settings.devices(step, fans) {
            Some((kind, count)) if runner == KUBERNETES => {
                add("devices", Py::Dict(vec![(Py::string(kind), Py::string(&count.to_string()))]));
            }
            Some((_, count)) => add("device_requests", Py::List(vec![device_request(count)])),
            None => {}
        }
        arguments
    }

    /// Variables of every step by name; what is kept elsewhere as templates, which Airflow fills in when a task runs.
    fn variables(&self) -> Option<(&'static str, Py)> {
        let known = self.settings.env().into_iter().map(|(name, value)| (name, value.to_owned()));
        let kept = self.settings.secrets().map(|Secret { name, place, key }| match place {
            "connection" => (name, format!("{{{{ conn.{key}.password }}}}")),
            _ => (name, format!("{{{{ var.value.{key} }}}}")),
        });
        let all: Vec<_> = known.chain(kept).map(|(name, value)| (Py::string(name), Py::string(&value))).collect();
        (!all.is_empty()).then_some(("VARIABLES", Py::Dict(all)))
    }

    /// Variables of every pod; what is kept in secrets of Kubernetes, Kubernetes gives to the pod.
    fn pod_variables(&self) -> Option<(&'static str, Py)> {
        let variable = |name: &str, field: &str, value: Py| {
            let arguments = [("name", Py::string(name)), (field, value)];
            model("V1EnvVar", arguments)
        };
        let known = self.settings.env().into_iter().map(|(name, value)| variable(name, "value", Py::string(value)));
        let kept = self.settings.secrets().map(|Secret { name, place, key }| {
            let selector = model("V1SecretKeySelector", [("name", Py::string(place)), ("key", Py::string(key))]);
            variable(name, "value_from", model("V1EnvVarSource", [("secret_key_ref", selector)]))
        });
        let all: Vec<Py> = known.chain(kept).collect();
        (!all.is_empty()).then_some(("VARIABLES", Py::List(all)))
    }

    /// The volumes of pods, and where they are seen.
    fn volumes(&self) -> (Option<Py>, Option<Py>) {
        let volume = |(claim, _): &(&str, &str)| {
            let source = model("V1PersistentVolumeClaimVolumeSource", [("claim_name", Py::string(claim))]);
            model("V1Volume", [("name", Py::string(claim)), ("persistent_volume_claim", source)])
        };
        let mount = |(claim, path): &(&str, &str)| {
            model("V1VolumeMount", [("name", Py::string(claim)), ("mount_path", Py::string(path))])
        };
        let volumes = self.settings.volumes();
        let list = |all: Vec<Py>| (!all.is_empty()).then_some(Py::List(all));
        (list(volumes.iter().map(volume).collect()), list(volumes.iter().map(mount).collect()))
    }

    fn image_of(&self, environment: &str) -> (&'static str, Py) {
        ("IMAGE", Py::string(self.settings.image(environment).unwrap_or_default()))
    }

    fn docker(&self, environment: &str, given: &[Given]) -> Launch {
        let more = more_words(given);
        let mut imports = vec!["from airflow.providers.docker.operators.docker import DockerOperator"];
        let mut options = String::new();
        let mut constants = vec![self.image_of(environment)];
        if let Some(connection) = self.settings.text("connection") {
            constants.push(("CONNECTION", Py::string(connection)));
            options += "docker_conn_id=CONNECTION,";
        }
        if let Some(variables) = self.variables() {
            constants.push(variables);
            options += "environment=VARIABLES,";
        }
        let folder = self.settings.text("store").and_then(|store| store.strip_prefix("file://"));
        if let Some(folder) = folder {
            constants.push(("FOLDER", Py::string(folder)));
            options += "mounts=[Mount(source=FOLDER, target=FOLDER, type=\"bind\")],";
        }
        match (self.settings.has_devices(), folder.is_some()) {
            (true, true) => imports.push("from docker.types import DeviceRequest, Mount"),
            (true, false) => imports.push("from docker.types import DeviceRequest"),
            (false, true) => imports.push("from docker.types import Mount"),
            (false, false) => {}
        }
        Launch {
            imports,
            constants,
            operator: "DockerOperator",
            doc: "Starts the launcher in a container; exit code 3 is a gate's no.",
            parameters: OF_CONTAINERS.to_owned(),
            body: words([format!(
                "super().__init__(task_id=task_id, image=image, entrypoint=[\"python\", \"-m\", \
                 \"mlp_runtime.launch\"], command=[*words, \"--plan\", PLAN, \"--run\", \"{{{{ run_id }}}}\", \
                 \"--store\", STORE{more}], cpus=cpu, mem_limit=memory, {options}mount_tmp_dir=False, \
                 auto_remove=\"force\", skip_on_exit_code=3, do_xcom_push=False, **settings)"
            )]),
        }
    }

    fn kubernetes(&self, environment: &str, given: &[Given]) -> Launch {
        let more = more_words(given);
        let mut options = String::new();
        let mut constants = vec![self.image_of(environment)];
        let mut add = |name: &'static str, value: Option<Py>, option: &str| {
            if let Some(value) = value {
                constants.push((name, value));
                options += option;
            }
        };
        let text = |name: &str| self.settings.text(name).map(Py::string);
        add("NAMESPACE", text("namespace"), "namespace=NAMESPACE,");
        add("SERVICE_ACCOUNT", text("service_account"), "service_account_name=SERVICE_ACCOUNT,");
        add("CONNECTION", text("connection"), "kubernetes_conn_id=CONNECTION,");
        let nodes: Vec<_> =
            self.settings.nodes().iter().map(|(name, value)| (Py::string(name), Py::string(value))).collect();
        add("NODES", (!nodes.is_empty()).then_some(Py::Dict(nodes)), "node_selector=NODES,");
        add("VARIABLES", self.pod_variables().map(|(_, list)| list), "env_vars=[*VARIABLES],");
        let (volumes, mounts) = self.volumes();
        add("VOLUMES", volumes, "volumes=VOLUMES,");
        add("MOUNTS", mounts, "volume_mounts=MOUNTS,");
        for (name, option) in [
            ("image_pull_policy", "image_pull_policy={},"),
            ("image_pull_secret", "image_pull_secrets=[k8s.V1LocalObjectReference(name={})],"),
        ] {
            if let Some(value) = text(name) {
                options += &option.replace("{}", &flat(&value));
            }
        }
        let (devices, limits) = match self.settings.has_devices() {
            true => (", devices: dict[str, str] | None = None", "limits: dict[str, str] = dict(devices or {})"),
            false => ("", "limits: dict[str, str] = {}"),
        };
        Launch {
            imports: vec![
                "from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator",
                "from kubernetes.client import models as k8s",
            ],
            constants,
            operator: "KubernetesPodOperator",
            doc: "Starts the launcher in a pod; exit code 3 is a gate's no.",
            parameters: format!("{OF_CONTAINERS}{devices}"),
            body: words([
                limits.to_owned(),
                "if memory is not None:".to_owned(),
                "    limits[\"memory\"] = str(memory)".to_owned(),
                format!(
                    "super().__init__(task_id=task_id, image=image, \
                     cmds=[\"python\", \"-m\", \"mlp_runtime.launch\"], arguments=[*words, \"--plan\", PLAN, \
                     \"--run\", \"{{{{ run_id }}}}\", \"--store\", STORE{more}], \
                     container_resources=k8s.V1ResourceRequirements(requests={{\"cpu\": str(cpu), **limits}}, \
                     limits=limits), {options}skip_on_exit_code=3, **settings)"
                ),
            ]),
        }
    }

    fn venv(&self, environment: &str, given: &[Given]) -> Launch {
        // Texts of people come in variables, never in the command.
        let options: String = given.iter().map(|given| format!(" {} \"${}\"", given.option, given.variable)).collect();
        let texts: String = given.iter().map(|given| format!(", \"{}\": {}", given.variable, given.constant)).collect();
        let mut constants =
            vec![("BUILD", Py::name("Path(__file__).resolve().parents[1]")), ("ENVIRONMENT", Py::string(environment))];
        let variables = self.variables();
        let also = if variables.is_some() { "VARIABLES | " } else { "" };
        constants.extend(variables);
        Launch {
            imports: vec!["from airflow.providers.standard.operators.bash import BashOperator"],
            constants,
            operator: "BashOperator",
            doc: "Starts the launcher in an environment; exit code 3 is a gate's no.",
            parameters: "action: str = 'step \"$MLP_STEP\"', environment: str = ENVIRONMENT".to_owned(),
            body: vec![
                "command = f\"python3 -m mlp_runtime.environment {environment} -m mlp_runtime.launch {action}\""
                    .to_owned(),
                format!(
                    "super().__init__(task_id=task_id, bash_command=f'exec {{command}} --plan {{PLAN}} --run \
                     \"$AIRFLOW_CTX_DAG_RUN_ID\" --store \"$MLP_STORE\"{options}', env={also}{{\"MLP_STEP\": self.step, \
                     \"MLP_STORE\": STORE{texts}}}, append_env=True, cwd=str(BUILD), skip_on_exit_code=3, \
                     do_xcom_push=False, **settings)"
                ),
            ],
        }
    }
}

/// An object of the client of Kubernetes.
fn model<'a>(class: &str, fields: impl IntoIterator<Item = (&'a str, Py)>) -> Py {
    let fields = fields.into_iter().map(|(name, value)| Argument::keyword(name, value));
    Py::name("k8s").attribute(class).call_with(fields.collect())
}

/// So many devices of Docker's.
fn device_request(count: u32) -> Py {
    let gpu = Py::List(vec![Py::strings(["gpu"])]);
    let arguments = [("count", Py::integer(i64::from(count))), ("capabilities", gpu)];
    Py::name("DeviceRequest").call_with(arguments.map(|(name, value)| Argument::keyword(name, value)).to_vec())
}

/// The statements of a container, after those that find its first words.
fn words(body: impl IntoIterator<Item = String>) -> Vec<String> {
    WORDS.map(str::to_owned).into_iter().chain(body).collect()
}
