import importlib.metadata
import json

import pytest
import typer
from typer.testing import CliRunner

from dex1b_core import asset_packages, doctor
from dex1b_core.commands import doctor as command
from dex1b_core.doctor import DoctorOptions, Finding, Status


def test_requirements_missing_and_out_of_bounds_are_named():
    optional = 'no-such-extra>=2; extra == "cluster"'
    finding = doctor.check_requirements(['numpy<1', 'no-such-package>=2', 'pydantic>=2', optional])
    assert finding.status is Status.FAIL
    assert 'numpy is' in finding.detail
    assert 'no-such-package is not installed' in finding.detail
    assert 'no-such-extra' not in finding.detail
    assert 'pydantic' not in finding.detail
    assert 'make setup' in finding.mend


def test_the_environment_of_the_tests_fits_the_bounds():
    requirements = importlib.metadata.requires('dex1b_core')
    assert requirements
    assert doctor.check_requirements(requirements).status is Status.OK


def test_missing_models_name_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv('DEX1B_CACHE', str(tmp_path))
    findings = list(doctor.check_assets())
    assert len(findings) == len(asset_packages.PACKAGES)
    failing = [finding.status is Status.FAIL for finding in findings]
    assert failing == [not package.on_demand for package in asset_packages.PACKAGES]
    assert findings[0].mend == 'dex1b assets fetch mani_skill'


def test_a_malformed_robot_file_is_found(monkeypatch, tmp_path):
    (tmp_path / 'robots').mkdir()
    (tmp_path / 'robots' / 'broken.yaml').write_text('name: broken\n')
    monkeypatch.setenv('DEX1B_CONFIG', str(tmp_path))
    [finding] = doctor.check_robots()
    assert finding.status is Status.FAIL
    assert finding.check == 'robot broken'
    assert 'broken.yaml: licence: Field required' in finding.detail


def test_an_absent_libusb_is_found(monkeypatch):
    def refuse(name):
        raise OSError(name)

    monkeypatch.setattr(doctor.ctypes, 'CDLL', refuse)
    finding = doctor.check_libusb()
    assert finding.status is Status.FAIL
    assert 'apt-get install libusb-1.0-0' in finding.mend


def test_checks_that_cannot_be_imported_are_a_finding(monkeypatch):
    class Entry:
        name = 'ros'

        def load(self):
            raise ImportError('no rclpy')

    monkeypatch.setattr(doctor, 'core_checks', lambda: iter(()))
    monkeypatch.setattr(doctor.importlib.metadata, 'entry_points', lambda group: [Entry()])
    [finding] = doctor.examine(DoctorOptions())
    assert finding.status is Status.FAIL
    assert 'no rclpy' in finding.detail


@pytest.mark.parametrize(('status', 'code'), [(Status.WARN, 0), (Status.FAIL, 1)])
def test_command_prints_reports_and_fails_only_on_failures(monkeypatch, tmp_path, status, code):
    findings = [
        Finding('good', Status.OK, 'fine [really]'),
        Finding('bad', status, 'broken', 'repair it'),
    ]
    monkeypatch.setattr(command, 'examine', lambda options: iter(findings))
    app = typer.Typer()
    command.register(app)
    report = tmp_path / 'report.json'
    result = CliRunner().invoke(app, ['--json', str(report)])
    assert result.exit_code == code, result.output
    assert 'good: fine [really]' in result.output
    assert 'bad: broken  mend: repair it' in result.output
    written = json.loads(report.read_text())
    assert written['summary'][status.value] == 1
    assert [finding['check'] for finding in written['findings']] == ['good', 'bad']
