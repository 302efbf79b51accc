from modelhub.cli.commands.config import config_command
from modelhub.repository.config import KEYS


def test_settings_are_set_read_listed_and_removed(mh, project):
    mh("config", "user.name", "Grace")
    assert mh("config", "user.name").out == "Grace\n"
    assert mh("config").out.startswith("user.name = Grace  (")
    assert mh("config", "--json").json()[0]["key"] == "user.name"
    mh("config", "--unset", "user.name")
    mh("config", "user.name", code=4)


def test_the_user_s_settings_hold_everywhere(mh, folder):
    mh("config", "user.name", "Grace", code=2)
    mh("config", "--user", "user.name", "Grace")
    assert mh("config", "user.name").out == "Grace\n"


def test_an_unknown_setting_is_refused(mh, project):
    assert "gc.grace_days" in mh("config", "nope", code=2).err
    mh("config", "nope.x", "1", code=2)
    mh("config", "--unset", code=2)


def test_the_help_names_every_setting():
    assert all(key in (config_command.help or "") for key in KEYS)


def test_no_setting_is_not_silence(mh, project):
    assert "the defaults hold" in mh("config").err
    assert mh("config", "--json").json() == []
