"""`manage.py create_otp NAME [--replace]`"""

import base64
from argparse import ArgumentParser
from io import StringIO
from typing import Any

import segno
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from staff.second_factor import AlreadyEnrolled, enrol


class Command(BaseCommand):
    help = "Gives a member of staff a second factor, and prints its QR code, URL and secret, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="of the staff account")
        parser.add_argument("--replace", action="store_true", help="take an earlier device away, as when it was lost")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"], is_staff=True).first()
        if user is None:
            raise CommandError(f"No member of staff is called {options['name']}.")
        try:
            device = enrol(user, replace=options["replace"])
        except AlreadyEnrolled as error:
            raise CommandError(f"{error}; --replace makes a new one and takes that one away.") from error
        picture = StringIO()
        segno.make(device.config_url).terminal(picture, compact=True)
        self.stdout.write(picture.getvalue())
        self.stdout.write(f"For the authenticator of {user}. None of this is shown again:")
        self.stdout.write(device.config_url)
        self.stdout.write(base64.b32encode(device.bin_key).decode())
