from django.db import DatabaseError
from django.shortcuts import render

from notes.models import Note


def index(request):
    try:
        notes = list(Note.objects.all()[:50])
    except DatabaseError:  # No database, or none that was migrated: the page still says where it is.
        notes = None
    return render(request, "notes/index.html", {"notes": notes})
