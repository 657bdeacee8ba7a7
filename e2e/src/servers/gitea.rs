//! A Gitea server with its own database, built from its Go module.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::running::{Running, Workspace};
use crate::process::on_path;
use crate::process::run;
use crate::tools::{Tool, Tools, is_built};

/// Owner of the packages.
pub const USER: &str = "publisher";
/// Password of that user.
pub const PASSWORD: &str = "a-long-password-of-the-publisher";

/// User that runs Gitea if the tests run as root: Gitea does not run as root.
const SYSTEM_USER: &str = "nobody";

/// A running Gitea. It is stopped, and its files removed, when dropped or when the process is killed.
#[derive(Debug)]
pub struct Gitea {
    running: Running,
    instance: Instance,
    token: String,
}

/// Data of one instance.
#[derive(Debug)]
struct Instance {
    program: PathBuf,
    folder: PathBuf,
    /// User that runs it, if not the user of the tests.
    account: Option<(u32, u32)>,
}

/// Returns why Gitea cannot run on this machine; None if it can.
#[must_use]
pub fn missing() -> Option<String> {
    if is_root() && (on_path("setpriv").is_none() || account().is_err()) {
        let why = "Gitea does not run as root, and requires `setpriv` and the user `nobody`";
        return Some(why.to_owned());
    }
    let builds = on_path("go").is_some() && on_path("cc").is_some();
    (!builds && !is_built(Tool::Gitea))
        .then(|| "building Gitea requires `go` and a C compiler, `cc`".to_owned())
}

impl Gitea {
    /// Starts Gitea with the user [`USER`], and waits until it responds. Blocks, for minutes if it must be built first.
    ///
    /// # Errors
    /// If it cannot be built or does not start. Everything is stopped then.
    pub fn start() -> Result<Self> {
        let tools = Tools::find(&[Tool::Gitea])?;
        let built = tools.path(Tool::Gitea)?;
        let workspace = Workspace::new("gitea")?;
        // All users may traverse it to reach their own files.
        fs::set_permissions(&workspace.folder, Permissions::from_mode(0o711))
            .context("failed to open Gitea's folder")?;
        let account = is_root().then(account).transpose()?;
        let program = match account {
            Some(_) => copy_program(built, &workspace.folder)?,
            None => built.to_owned(),
        };
        let settings = settings(&program.with_file_name("files"), &workspace);
        let instance = Instance {
            program,
            folder: workspace.folder.clone(),
            account,
        };
        instance.prepare(&settings)?;
        instance
            .run(&["migrate"])
            .context("failed to set up Gitea's database")?;
        let mut create = vec!["admin", "user", "create", "--must-change-password=false"];
        create.extend(["--username", USER, "--password", PASSWORD]);
        create.extend(["--email", "user@example.com"]);
        instance
            .run(&create)
            .context("failed to create Gitea's user")?;
        let token = instance.token("packages", "write:package")?;
        let running = workspace.run("gitea", &instance.command(&["web"]))?;
        Ok(Self {
            running,
            instance,
            token,
        })
    }

    /// Returns the URL of the server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.running.host())
    }

    /// Returns a token that can read and write packages of [`USER`].
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Creates a token with these scopes.
    ///
    /// # Errors
    /// If Gitea does not create it.
    pub fn token_for(&self, name: &str, scopes: &str) -> Result<String> {
        self.instance.token(name, scopes)
    }

    /// Returns the completed requests, each as `GET /path`. The latest may be missing for a moment.
    ///
    /// # Errors
    /// If the access log cannot be read.
    pub fn requests(&self) -> Result<Vec<String>> {
        let path = self.instance.home().join("log/access.log");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        let request = |line: &str| {
            let (request, _) = line.split('"').nth(1)?.rsplit_once(' ')?;
            Some(request.to_owned())
        };
        Ok(text.lines().filter_map(request).collect())
    }
}

impl Instance {
    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// Creates the data folder of Gitea, with its settings.
    fn prepare(&self, settings: &str) -> Result<()> {
        let home = self.home();
        DirBuilder::new()
            .mode(0o700)
            .create(&home)
            .context("failed to create Gitea's folder")?;
        let file = home.join("app.ini");
        fs::write(&file, settings).context("failed to write Gitea's settings")?;
        let Some((user, group)) = self.account else {
            return Ok(());
        };
        for path in [home, file] {
            chown(&path, Some(user), Some(group))
                .with_context(|| format!("failed to change the owner of {}", path.display()))?;
        }
        Ok(())
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        run(&mut self.command(arguments))
    }

    fn token(&self, name: &str, scopes: &str) -> Result<String> {
        let mut arguments = vec!["admin", "user", "generate-access-token", "--raw"];
        arguments.extend(["--username", USER, "--token-name", name, "--scopes", scopes]);
        let printed = self
            .run(&arguments)
            .context("failed to create a Gitea token")?;
        let last = printed.lines().last().context("Gitea printed no token")?;
        Ok(last.trim().to_owned())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let home = self.home();
        let mut command = match (self.account, on_path("setpriv")) {
            (Some((user, group)), Some(setpriv)) => {
                let mut command = Command::new(setpriv);
                command
                    .args(["--reuid", &user.to_string(), "--regid", &group.to_string()])
                    .args(["--clear-groups", "--no-new-privs", "--"])
                    .arg(&self.program);
                command
            }
            _ => Command::new(&self.program),
        };
        command
            .arg("--config")
            .arg(home.join("app.ini"))
            .args(arguments)
            .env("HOME", &home)
            .env("GITEA_WORK_DIR", &home)
            .env("USER", SYSTEM_USER);
        command
    }
}

fn settings(files: &Path, workspace: &Workspace) -> String {
    let (home, port) = (workspace.folder.join("home"), workspace.port);
    let home = home.display();
    let mut text = format!(
        "RUN_MODE = prod\nWORK_PATH = {home}\n\
         [server]\nHTTP_ADDR = 127.0.0.1\nHTTP_PORT = {port}\nROOT_URL = http://127.0.0.1:{port}/\n\
         DISABLE_SSH = true\nOFFLINE_MODE = true\n"
    );
    // An installed Gitea has built-in paths of its files.
    if files.is_dir() {
        let _ = writeln!(text, "STATIC_ROOT_PATH = {}", files.display());
    }
    text + "[database]\nDB_TYPE = sqlite3\nSQLITE_JOURNAL_MODE = WAL\nSQLITE_TIMEOUT = 20000\n\
            [security]\nINSTALL_LOCK = true\n\
            [log]\nMODE = console\nLEVEL = Warn\nlogger.access.MODE = access\n\
            [log.access]\nMODE = file\nLEVEL = Info\nFILE_NAME = access.log\n\
            [indexer]\nISSUE_INDEXER_TYPE = db\n\
            [cron]\nENABLED = false\n"
}

/// Copies the program and its files to a folder that the system user can read.
fn copy_program(built: &Path, folder: &Path) -> Result<PathBuf> {
    let files = built.with_file_name("files");
    let mut copy = Command::new("cp");
    copy.arg("-R").arg(built);
    if files.is_dir() {
        copy.arg(files);
    }
    run(copy.arg(folder))?;
    let name = built.file_name().context("the path has no file name")?;
    Ok(folder.join(name))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|instance| instance.uid() == 0)
}

/// Returns the ids of the system user and its group.
fn account() -> Result<(u32, u32)> {
    let number = |flag| {
        let printed = run(Command::new("id").args([flag, SYSTEM_USER]))?;
        printed
            .trim()
            .parse::<u32>()
            .context("`id` printed no number")
    };
    Ok((number("-u")?, number("-g")?))
}
