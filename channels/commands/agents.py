"""``baoke agents``: who may sit at the desk."""

import argparse
import re
import secrets
import sys
from pathlib import Path

import yaml

from bot.ledger.agents import Role
from bot.ledger.repository import Ledger
from channels.commands.console import (
    Context,
    Subparsers,
    UsageError,
    add_command,
    add_group,
    show,
    show_json,
)
from channels.commands.ledger_side import with_ledger
from channels.console.accounts import hash_password

DEMO_FILE = Path("data/demo/agents.yml")  # below the project root
PASSWORD_FILE = "agent_password"  # below var/, when no password was given


def register(subparsers: Subparsers) -> None:
    """Add ``agents list``, ``add``, ``demo`` and ``disable``."""
    group = add_group(subparsers, "agents", "agents of the desk: list, add, disable")
    add_command(group, "list", run_list, "show all accounts", "  baoke agents list")
    add = add_command(
        group,
        "add",
        run_add,
        "add an agent, or change one; the password is read from standard input",
        "  echo a-long-password | baoke agents add wang --title Wang --capacity 8\n"
        "  baoke agents add chen --title Chen --role leader < password.txt",
    )
    add.add_argument("name", metavar="NAME", help="for logging in")
    add.add_argument("--title", required=True, help="what customers are told")
    add.add_argument("--role", choices=[r.value for r in Role], default="agent")
    add.add_argument("--skill", action="append", default=[], help="may be repeated")
    add.add_argument("--capacity", type=int, default=5, help="conversations at once")
    add_command(
        group,
        "demo",
        run_demo,
        "add agent1, agent2 and leader (BAOKE_AGENT_PASSWORD, or a new password)",
        "  BAOKE_AGENT_PASSWORD=... baoke agents demo",
    )
    log = add_command(
        group,
        "log",
        run_log,
        "show who logged in, transferred, took over, or saw what is masked, and why",
        "  baoke agents log --limit 20",
    )
    log.add_argument("--limit", type=int, default=100, metavar="N")
    disable = add_command(
        group, "disable", run_disable, "close an account", "  baoke agents disable wang"
    )
    disable.add_argument("name", metavar="NAME")


def run_log(args: argparse.Namespace, context: Context) -> int:
    """Print the desk's log, the newest entry first."""
    limit = max(1, min(args.limit, 10_000))
    rows = with_ledger(context, lambda ledger: ledger.agents.logged(limit))
    if args.json:
        show_json([{**row, "at": row["at"].isoformat()} for row in rows])
        return 0
    for row in rows:
        about = row["sender_id"] or ""
        show(f"{row['at']:%Y-%m-%d %H:%M:%S}  {row['agent']:<12} {row['what']:<12} "
             f"{about}  {row['detail']}")  # fmt: skip
    return 0


def run_list(args: argparse.Namespace, context: Context) -> int:
    """Print accounts; never their passwords."""
    found = with_ledger(context, lambda ledger: ledger.agents.listed())
    rows = [
        {
            "name": agent.name,
            "title": agent.title,
            "role": agent.role.value,
            "skills": list(agent.skills),
            "capacity": agent.capacity,
            "active": agent.active,
        }
        for agent in found
    ]
    if args.json:
        show_json(rows)
        return 0
    for agent in found:
        state = "" if agent.active else "  (closed)"
        skills = "、".join(agent.skills)
        show(f"{agent.name:<12} {agent.role:<7} {agent.title}  {skills}{state}")
    if not rows:
        show("no agents")
    return 0


def run_add(args: argparse.Namespace, context: Context) -> int:
    """Add or change one."""
    if not re.fullmatch(r"[!-9;-~]{1,50}", args.name):  # a colon names another desk
        raise UsageError("NAME has up to 50 letters, digits and signs, no colon")
    if not 1 <= args.capacity <= 100:
        raise UsageError("--capacity is between 1 and 100")
    hashed = hash_password(sys.stdin.readline().rstrip("\r\n"))
    role, skills = Role(args.role), tuple(args.skill)
    with_ledger(
        context,
        lambda ledger: ledger.agents.put(
            args.name, args.title[:50], hashed, role, skills, args.capacity
        ),
    )
    show(f"{args.name} may log in")
    return 0


def run_demo(args: argparse.Namespace, context: Context) -> int:
    """Add the demo's agents."""
    show(add_demo_agents(context))
    return 0


def add_demo_agents(context: Context) -> str:
    """Add the demo's agents, all with one first password; say where it is."""
    setting = context.settings.agent_password
    given = setting.get_secret_value() if setting is not None else None
    password = given or secrets.token_urlsafe(9)
    hashed = hash_password(password, least=1)  # a demo's may be short

    path = context.settings.root / DEMO_FILE
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))["agents"]

    async def put(ledger: Ledger) -> None:
        for row in rows:
            role, skills = Role(row["role"]), row["skills"]
            await ledger.agents.put(row["name"], row["title"], hashed, role, skills)

    with_ledger(context, put)
    names = ", ".join(row["name"] for row in rows)
    if given:
        return f"{names}: password BAOKE_AGENT_PASSWORD"
    path = context.settings.var / PASSWORD_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{password}\n", encoding="utf-8")
    path.chmod(0o600)
    return f"{names}: password in {path}"


def run_disable(args: argparse.Namespace, context: Context) -> int:
    """Close an account and end its sessions."""
    if not with_ledger(context, lambda ledger: ledger.agents.disable(args.name)):
        raise UsageError(f"there is no agent {args.name}")
    show(f"{args.name} may no longer log in")
    return 0
